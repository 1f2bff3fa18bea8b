-- Threads and the clocks that measure what is owed in them.

CREATE TABLE thread (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    patient text COLLATE "C",
    pool text COLLATE "C",
    pool_reference text COLLATE "C",
    owner text COLLATE "C",
    category text COLLATE "C",
    priority text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    opened_at timestamptz NOT NULL,
    last_activity_at timestamptz NOT NULL,
    last_staff_at timestamptz,
    patient_messages integer NOT NULL,
    cycle integer NOT NULL,
    task text COLLATE "C",
    replied_cycle integer NOT NULL,
    needs_review boolean NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (priority IN ('routine', 'urgent', 'asap', 'stat')),
    CHECK (state IN ('awaiting-team', 'answered', 'waiting-on-patient', 'waiting-on-third-party', 'resolved'))
);
COMMENT ON TABLE thread IS 'Where a conversation stands; its messages and Tasks are resources.';
COMMENT ON COLUMN thread.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN thread.id IS 'The id of the root Communication.';
COMMENT ON COLUMN thread.patient IS 'The patient it is about, as a reference.';
COMMENT ON COLUMN thread.pool IS 'The id of the pool that answers, as the policy bundle names it.';
COMMENT ON COLUMN thread.pool_reference IS 'That pool''s resource, as a reference.';
COMMENT ON COLUMN thread.owner IS 'Who has claimed it, as a reference.';
COMMENT ON COLUMN thread.category IS 'The category''s code.';
COMMENT ON COLUMN thread.priority IS 'The highest urgency asked for or found: routine, urgent, asap or stat.';
COMMENT ON COLUMN thread.state IS 'awaiting-team, answered, waiting-on-patient, waiting-on-third-party or resolved.';
COMMENT ON COLUMN thread.opened_at IS 'When its first message arrived.';
COMMENT ON COLUMN thread.last_activity_at IS 'When anybody last wrote.';
COMMENT ON COLUMN thread.last_staff_at IS 'When a human of the team last wrote to the patient.';
COMMENT ON COLUMN thread.patient_messages IS 'How many messages the patient''s side has sent.';
COMMENT ON COLUMN thread.cycle IS 'How many response cycles have begun.';
COMMENT ON COLUMN thread.task IS 'The Task of the open obligation.';
COMMENT ON COLUMN thread.replied_cycle IS 'The cycle in which an automatic reply was last sent.';
COMMENT ON COLUMN thread.needs_review IS 'Whether policy could not be evaluated in full, so that a person must look.';
COMMENT ON COLUMN thread.revision IS '1 for the first state, one more for each change; compared on save.';

CREATE TABLE thread_participant (
    tenant text COLLATE "C" NOT NULL,
    participant text COLLATE "C" NOT NULL,
    thread text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, participant, thread)
);
COMMENT ON TABLE thread_participant IS 'The staff who have taken part in a thread: what lets them see it when it is not their pool''s.';
COMMENT ON COLUMN thread_participant.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN thread_participant.participant IS 'A reference such as Practitioner/dr-lee.';
COMMENT ON COLUMN thread_participant.thread IS 'The thread; never removed, because what was sent stays seen.';

CREATE TABLE clock (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    thread text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    cycle integer NOT NULL,
    task text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    started_at timestamptz,
    due_at timestamptz,
    promised_at timestamptz,
    stopped_at timestamptz,
    breached_at timestamptz,
    next_at timestamptz,
    next_threshold text COLLATE "C",
    claimed_until timestamptz,
    entries integer NOT NULL,
    revision integer NOT NULL,
    terms text NOT NULL,
    fold text NOT NULL,
    fired text NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (state IN ('pending', 'running', 'paused', 'met', 'met-late', 'cancelled', 'waived')),
    CHECK ((next_at IS NULL) = (next_threshold IS NULL))
);
COMMENT ON TABLE clock IS 'One run of one obligation, as its ledger folds.';
COMMENT ON COLUMN clock.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN clock.id IS 'Its id; one per cycle.';
COMMENT ON COLUMN clock.thread IS 'The thread.';
COMMENT ON COLUMN clock.name IS 'Which obligation: first-opened, next-response, resolve or team.';
COMMENT ON COLUMN clock.cycle IS 'Which run of it: reopening starts the next.';
COMMENT ON COLUMN clock.task IS 'The Task that mirrors it.';
COMMENT ON COLUMN clock.state IS 'pending, running, paused, met, met-late, cancelled or waived.';
COMMENT ON COLUMN clock.started_at IS 'When the obligation began.';
COMMENT ON COLUMN clock.due_at IS 'When it is due; only while it runs.';
COMMENT ON COLUMN clock.promised_at IS 'What the patient was told; may only move earlier.';
COMMENT ON COLUMN clock.stopped_at IS 'When it ended.';
COMMENT ON COLUMN clock.breached_at IS 'When its breach was recorded; never erased.';
COMMENT ON COLUMN clock.next_at IS 'The first instant at which its next threshold may fire.';
COMMENT ON COLUMN clock.next_threshold IS 'The id of that threshold.';
COMMENT ON COLUMN clock.claimed_until IS 'Until when a worker holds it for firing; emptied by every save.';
COMMENT ON COLUMN clock.entries IS 'How many entries its ledger has.';
COMMENT ON COLUMN clock.revision IS '1 for the first state, one more for each change; compared on save.';
COMMENT ON COLUMN clock.terms IS 'JSON: the terms it was started under (bundle, policy, pool, calendar, thresholds).';
COMMENT ON COLUMN clock.fold IS 'JSON: the folded ledger, with segments and amounts in ISO 8601.';
COMMENT ON COLUMN clock.fired IS 'JSON: the ids of thresholds that have fired.';
CREATE INDEX clock_thread ON clock (tenant, thread, name, cycle) WHERE thread IS NOT NULL;
COMMENT ON INDEX clock_thread IS 'The clocks of a thread. Partial, though every row has one, so that a lookup by id cannot be planned over it while statistics are missing.';
CREATE INDEX clock_next ON clock (next_at) WHERE state = 'running' AND next_at IS NOT NULL;
COMMENT ON INDEX clock_next IS 'What fires next, of all tenants: the workers'' only question.';

CREATE TABLE clock_entry (
    tenant text COLLATE "C" NOT NULL,
    clock text COLLATE "C" NOT NULL,
    sequence integer NOT NULL,
    at timestamptz NOT NULL,
    event text NOT NULL,
    PRIMARY KEY (tenant, clock, sequence)
);
COMMENT ON TABLE clock_entry IS 'The ledger: what happened to a clock. Rows are added, never changed.';
COMMENT ON COLUMN clock_entry.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN clock_entry.clock IS 'The clock.';
COMMENT ON COLUMN clock_entry.sequence IS 'Its place among entries of the same instant; unique within the clock.';
COMMENT ON COLUMN clock_entry.at IS 'When it happened.';
COMMENT ON COLUMN clock_entry.event IS 'JSON: what happened.';

CREATE TABLE clock_segment (
    tenant text COLLATE "C" NOT NULL,
    clock text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    from_at timestamptz NOT NULL,
    until_at timestamptz,
    running boolean NOT NULL,
    calendar text COLLATE "C" NOT NULL,
    used_seconds bigint NOT NULL,
    PRIMARY KEY (tenant, clock, number)
);
COMMENT ON TABLE clock_segment IS 'The stretches of a clock''s life under one calendar, typed for reports; the fold is the truth.';
COMMENT ON COLUMN clock_segment.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN clock_segment.clock IS 'The clock.';
COMMENT ON COLUMN clock_segment.number IS 'Its place in the clock''s life, from 0.';
COMMENT ON COLUMN clock_segment.from_at IS 'When it began.';
COMMENT ON COLUMN clock_segment.until_at IS 'When it ended; NULL while it lasts.';
COMMENT ON COLUMN clock_segment.running IS 'Whether time was being used.';
COMMENT ON COLUMN clock_segment.calendar IS 'The calendar that counted.';
COMMENT ON COLUMN clock_segment.used_seconds IS 'Time used in it, in seconds, counted at its end.';

CREATE TABLE firing (
    tenant text COLLATE "C" NOT NULL,
    clock text COLLATE "C" NOT NULL,
    cycle integer NOT NULL,
    threshold text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    cause text COLLATE "C",
    PRIMARY KEY (tenant, clock, cycle, threshold)
);
COMMENT ON TABLE firing IS 'Thresholds fired: the key lets each fire once, for ever.';
COMMENT ON COLUMN firing.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN firing.clock IS 'The clock.';
COMMENT ON COLUMN firing.cycle IS 'Its cycle.';
COMMENT ON COLUMN firing.threshold IS 'The threshold''s id.';
COMMENT ON COLUMN firing.at IS 'The instant the threshold stood at: the true one, whenever it was noticed.';
COMMENT ON COLUMN firing.fired_at IS 'When it was noticed.';
COMMENT ON COLUMN firing.cause IS 'Why, when not simply because time passed: target-changed, pre-existing.';
