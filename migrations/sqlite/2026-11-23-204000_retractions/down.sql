UPDATE held_message SET state = 'answered' WHERE state = 'retracted';
CREATE TABLE held_message_before (
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
INSERT INTO held_message_before (tenant, message, thread, sender, patient, pool, pool_reference, cause, rule, clock, task, received_at, until_at, facts, state, ended_at, reason, decision, agent, client)
    SELECT tenant, message, thread, sender, patient, pool, pool_reference, cause, rule, clock, task, received_at, until_at, facts, state, ended_at, reason, decision, agent, client FROM held_message;
DROP TABLE held_message;
ALTER TABLE held_message_before RENAME TO held_message;
-- Who sees the Task of a review.
CREATE INDEX held_message_task ON held_message (tenant, task) WHERE task IS NOT NULL;
-- What waits, and what has waited, in order.
CREATE INDEX held_message_state ON held_message (tenant, state, received_at, message) WHERE received_at IS NOT NULL;
-- What is delivered next without a review, of all tenants.
CREATE INDEX held_message_until ON held_message (until_at) WHERE state = 'held';
DROP TABLE retracted_message;
