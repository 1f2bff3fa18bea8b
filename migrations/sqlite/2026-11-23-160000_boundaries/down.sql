CREATE TABLE obligation_override_before (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id.
    id text NOT NULL,
    -- When.
    at integer NOT NULL,
    -- The thread.
    thread text NOT NULL,
    -- The Task, when one was open.
    task text,
    -- The decision record.
    decision text NOT NULL,
    -- extend, set-due, waive, pause, resume, no-reply-needed or resolve.
    kind text NOT NULL,
    -- Why, as a code.
    reason text NOT NULL,
    -- How much open time was added, in seconds.
    amount_seconds integer,
    -- The due instant that was set.
    due_at integer,
    -- When the pause ends at the latest.
    until_at integer,
    -- A code of the site's own; never free text.
    note text,
    -- The person who did it, as a reference.
    agent text,
    -- The OAuth client.
    client text NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (kind IN ('extend', 'set-due', 'waive', 'pause', 'resume', 'no-reply-needed', 'resolve'))
);
INSERT INTO obligation_override_before (tenant, id, at, thread, task, decision, kind, reason, amount_seconds, due_at, until_at, note, agent, client)
    SELECT tenant, id, at, thread, task, decision, kind, reason, amount_seconds, due_at, until_at, note, agent, client FROM obligation_override WHERE kind NOT IN ('exempt-limit', 'exempt-quiet');
DROP TABLE obligation_override;
ALTER TABLE obligation_override_before RENAME TO obligation_override;
-- The overrides in a thread, in order.
CREATE INDEX obligation_override_thread ON obligation_override (tenant, thread, at, id);
ALTER TABLE thread DROP COLUMN quiet_lifted_until;
ALTER TABLE thread DROP COLUMN limits_lifted_until;
DROP TABLE sender_block;
DROP TABLE held_message;
DROP TABLE correspondent;
