-- What authorised persons let happen to obligations against the policy, and clocks that rest until a known instant.

-- Overrides. Rows are added, never changed.
CREATE TABLE obligation_override (
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
-- The overrides in a thread, in order.
CREATE INDEX obligation_override_thread ON obligation_override (tenant, thread, at, id);

-- What is looked at next, of all tenants: thresholds of clocks that run, the end of a pause of those that rest.
DROP INDEX clock_next;
CREATE INDEX clock_next ON clock (next_at) WHERE state IN ('running', 'paused') AND next_at IS NOT NULL;
