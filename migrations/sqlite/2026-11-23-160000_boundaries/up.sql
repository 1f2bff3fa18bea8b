-- What limits, throttles and blocks remember, the messages that wait for a review, and boundaries that are lifted.

-- What is remembered of somebody who writes: as much as limits, throttles and blocks need.
CREATE TABLE correspondent (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Who: a reference such as Patient/p-1, or * for everybody of the tenant together.
    who text NOT NULL,
    -- JSON: instants and references of what was counted, sent automatically, barred and exempt; never words.
    memory text NOT NULL,
    -- 1 for the first state, one more for each change; compared on save.
    revision integer NOT NULL,
    PRIMARY KEY (tenant, who)
);

-- Messages held for review. Nothing is ever removed: a hold ends once.
CREATE TABLE held_message (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The id of the Communication.
    message text NOT NULL,
    -- Its thread.
    thread text NOT NULL,
    -- Who wrote it, as a reference.
    sender text NOT NULL,
    -- The patient it is about, as a reference.
    patient text,
    -- The pool that is to answer, as the policy bundle names it.
    pool text NOT NULL,
    -- That pool's resource, as a reference: its leads see the message and its Task.
    pool_reference text NOT NULL,
    -- limit or block.
    cause text NOT NULL,
    -- The limit's id in the bundle, or the block's.
    rule text NOT NULL,
    -- The clock of the review.
    clock text NOT NULL,
    -- The Task that mirrors it.
    task text NOT NULL,
    -- When the message was received: what is owed is counted from here.
    received_at integer NOT NULL,
    -- When it is delivered without a review.
    until_at integer NOT NULL,
    -- JSON: what the request said about the patient, for the rules that are looked at on delivery.
    facts text NOT NULL,
    -- held, released, answered or delivered.
    state text NOT NULL,
    -- When the hold ended.
    ended_at integer,
    -- Why, as a code.
    reason text,
    -- The decision record of its end.
    decision text,
    -- The person who reviewed it, as a reference.
    agent text,
    -- The OAuth client they used.
    client text,
    PRIMARY KEY (tenant, message),
    CHECK (cause IN ('limit', 'block')),
    CHECK (state IN ('held', 'released', 'answered', 'delivered')),
    CHECK ((state = 'held') = (ended_at IS NULL))
);
-- Who sees the Task of a review.
CREATE INDEX held_message_task ON held_message (tenant, task) WHERE task IS NOT NULL;
-- What waits, and what has waited, in order.
CREATE INDEX held_message_state ON held_message (tenant, state, received_at, message) WHERE received_at IS NOT NULL;
-- What is delivered next without a review, of all tenants.
CREATE INDEX held_message_until ON held_message (until_at) WHERE state = 'held';

-- Blocks. A block ends at its instant, or before by a person.
CREATE TABLE sender_block (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id.
    id text NOT NULL,
    -- Since when.
    at integer NOT NULL,
    -- Whose messages are held, as a reference.
    sender text NOT NULL,
    -- The pool that it protects, as the policy bundle names it; NULL for every pool.
    pool text,
    -- That pool's resource, as a reference.
    pool_reference text,
    -- Why, as a code.
    reason text NOT NULL,
    -- When it ends by itself.
    until_at integer NOT NULL,
    -- The template that names another way to reach care.
    contact text,
    -- The person who did it, as a reference.
    agent text,
    -- The OAuth client.
    client text NOT NULL,
    -- When a person ended it before its time.
    ended_at integer,
    -- The person who ended it, as a reference.
    ended_by text,
    PRIMARY KEY (tenant, id)
);
-- Those in force, and those that were, newest first.
CREATE INDEX sender_block_until ON sender_block (tenant, until_at) WHERE until_at IS NOT NULL;

-- Until when an authorised person has lifted the limits of number, length and time for the thread.
ALTER TABLE thread ADD COLUMN limits_lifted_until integer;
-- Until when an authorised person has lifted quiet hours for the thread's notices.
ALTER TABLE thread ADD COLUMN quiet_lifted_until integer;

-- Exemptions are overrides too. SQLite changes a condition by making the table anew.
CREATE TABLE obligation_override_next (
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
    -- extend, set-due, waive, pause, resume, no-reply-needed, resolve, exempt-limit or exempt-quiet.
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
    -- Whom an exemption from limits concerns in every thread, as a reference.
    sender text,
    PRIMARY KEY (tenant, id),
    CHECK (kind IN ('extend', 'set-due', 'waive', 'pause', 'resume', 'no-reply-needed', 'resolve',
        'exempt-limit', 'exempt-quiet'))
);
INSERT INTO obligation_override_next (tenant, id, at, thread, task, decision, kind, reason, amount_seconds, due_at, until_at, note, agent, client)
    SELECT tenant, id, at, thread, task, decision, kind, reason, amount_seconds, due_at, until_at, note, agent, client FROM obligation_override;
DROP TABLE obligation_override;
ALTER TABLE obligation_override_next RENAME TO obligation_override;
-- The overrides in a thread, in order.
CREATE INDEX obligation_override_thread ON obligation_override (tenant, thread, at, id);
