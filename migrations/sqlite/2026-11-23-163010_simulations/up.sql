-- Simulations: the stored messages of a time replayed under two bundles. These rows are all that they write.

CREATE TABLE simulation (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id.
    id text NOT NULL,
    -- When it was asked for.
    created_at integer NOT NULL,
    -- One side's bundle, as id/version.
    baseline text NOT NULL,
    -- SHA-256 of its canonical text, in hex.
    baseline_hash text NOT NULL,
    -- Its JSON text as it stood then.
    baseline_body text NOT NULL,
    -- The other side's bundle, as id/version.
    candidate text NOT NULL,
    -- SHA-256 of its canonical text, in hex.
    candidate_hash text NOT NULL,
    -- Its JSON text as it stood then.
    candidate_body text NOT NULL,
    -- The first instant of the messages.
    from_at integer NOT NULL,
    -- The first instant after them.
    to_at integer NOT NULL,
    -- queued, running, done, failed or cancelled.
    state text NOT NULL,
    -- How many stored messages have been read.
    processed integer NOT NULL,
    -- How many there are to read.
    total integer NOT NULL,
    -- The report as JSON text, once it is done.
    report text,
    -- Why it failed: never a person's words.
    error text,
    -- When it ended.
    ended_at integer,
    -- Until when a worker holds it; a later one may take it up again.
    claimed_until integer,
    -- 1 for the first state, one more for each change; compared on save.
    revision integer NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled'))
);
-- The latest of a tenant.
CREATE INDEX simulation_created ON simulation (tenant, created_at, id);
-- What waits for a worker, of all tenants.
CREATE INDEX simulation_waiting ON simulation (created_at) WHERE state IN ('queued', 'running');
