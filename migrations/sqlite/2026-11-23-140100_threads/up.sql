-- Threads and the clocks that measure what is owed in them.

-- Where a conversation stands; its messages and Tasks are resources.
CREATE TABLE thread (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The id of the root Communication.
    id text NOT NULL,
    -- The patient it is about, as a reference.
    patient text,
    -- The id of the pool that answers, as the policy bundle names it.
    pool text,
    -- That pool's resource, as a reference.
    pool_reference text,
    -- Who has claimed it, as a reference.
    owner text,
    -- The category's code.
    category text,
    -- The highest urgency asked for or found: routine, urgent, asap or stat.
    priority text NOT NULL,
    -- awaiting-team, answered, waiting-on-patient, waiting-on-third-party or resolved.
    state text NOT NULL,
    -- When its first message arrived.
    opened_at integer NOT NULL,
    -- When anybody last wrote.
    last_activity_at integer NOT NULL,
    -- When a human of the team last wrote to the patient.
    last_staff_at integer,
    -- How many messages the patient's side has sent.
    patient_messages integer NOT NULL,
    -- How many response cycles have begun.
    cycle integer NOT NULL,
    -- The Task of the open obligation.
    task text,
    -- The cycle in which an automatic reply was last sent.
    replied_cycle integer NOT NULL,
    -- Whether policy could not be evaluated in full, so that a person must look.
    needs_review boolean NOT NULL,
    -- 1 for the first state, one more for each change; compared on save.
    revision integer NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (priority IN ('routine', 'urgent', 'asap', 'stat')),
    CHECK (state IN ('awaiting-team', 'answered', 'waiting-on-patient', 'waiting-on-third-party', 'resolved'))
);

-- The staff who have taken part in a thread: what lets them see it when it is not their pool's.
CREATE TABLE thread_participant (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- A reference such as Practitioner/dr-lee.
    participant text NOT NULL,
    -- The thread; never removed, because what was sent stays seen.
    thread text NOT NULL,
    PRIMARY KEY (tenant, participant, thread)
) WITHOUT ROWID;

-- One run of one obligation, as its ledger folds.
CREATE TABLE clock (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id; one per cycle.
    id text NOT NULL,
    -- The thread.
    thread text NOT NULL,
    -- Which obligation: first-opened, next-response, resolve or team.
    name text NOT NULL,
    -- Which run of it: reopening starts the next.
    cycle integer NOT NULL,
    -- The Task that mirrors it.
    task text,
    -- pending, running, paused, met, met-late, cancelled or waived.
    state text NOT NULL,
    -- When the obligation began.
    started_at integer,
    -- When it is due; only while it runs.
    due_at integer,
    -- What the patient was told; may only move earlier.
    promised_at integer,
    -- When it ended.
    stopped_at integer,
    -- When its breach was recorded; never erased.
    breached_at integer,
    -- The first instant at which its next threshold may fire.
    next_at integer,
    -- The id of that threshold.
    next_threshold text,
    -- Until when a worker holds it for firing; emptied by every save.
    claimed_until integer,
    -- How many entries its ledger has.
    entries integer NOT NULL,
    -- 1 for the first state, one more for each change; compared on save.
    revision integer NOT NULL,
    -- JSON: the terms it was started under (bundle, policy, pool, calendar, thresholds).
    terms text NOT NULL,
    -- JSON: the folded ledger, with segments and amounts in ISO 8601.
    fold text NOT NULL,
    -- JSON: the ids of thresholds that have fired.
    fired text NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (state IN ('pending', 'running', 'paused', 'met', 'met-late', 'cancelled', 'waived')),
    CHECK ((next_at IS NULL) = (next_threshold IS NULL))
);
-- The clocks of a thread. Partial, though every row has one, so that a lookup by id cannot be planned over it while statistics are missing.
CREATE INDEX clock_thread ON clock (tenant, thread, name, cycle) WHERE thread IS NOT NULL;
-- What fires next, of all tenants: the workers' only question.
CREATE INDEX clock_next ON clock (next_at) WHERE state = 'running' AND next_at IS NOT NULL;

-- The ledger: what happened to a clock. Rows are added, never changed.
CREATE TABLE clock_entry (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The clock.
    clock text NOT NULL,
    -- Its place among entries of the same instant; unique within the clock.
    sequence integer NOT NULL,
    -- When it happened.
    at integer NOT NULL,
    -- JSON: what happened.
    event text NOT NULL,
    PRIMARY KEY (tenant, clock, sequence)
) WITHOUT ROWID;

-- The stretches of a clock's life under one calendar, typed for reports; the fold is the truth.
CREATE TABLE clock_segment (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The clock.
    clock text NOT NULL,
    -- Its place in the clock's life, from 0.
    number integer NOT NULL,
    -- When it began.
    from_at integer NOT NULL,
    -- When it ended; NULL while it lasts.
    until_at integer,
    -- Whether time was being used.
    running boolean NOT NULL,
    -- The calendar that counted.
    calendar text NOT NULL,
    -- Time used in it, in seconds, counted at its end.
    used_seconds integer NOT NULL,
    PRIMARY KEY (tenant, clock, number)
) WITHOUT ROWID;

-- Thresholds fired: the key lets each fire once, for ever.
CREATE TABLE firing (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The clock.
    clock text NOT NULL,
    -- Its cycle.
    cycle integer NOT NULL,
    -- The threshold's id.
    threshold text NOT NULL,
    -- The instant the threshold stood at: the true one, whenever it was noticed.
    at integer NOT NULL,
    -- When it was noticed.
    fired_at integer NOT NULL,
    -- Why, when not simply because time passed: target-changed, pre-existing.
    cause text,
    PRIMARY KEY (tenant, clock, cycle, threshold)
) WITHOUT ROWID;
