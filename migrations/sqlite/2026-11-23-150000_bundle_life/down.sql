CREATE TABLE bundle_next (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The bundle's id.
    id text NOT NULL,
    -- Its version.
    version integer NOT NULL,
    -- SHA-256 of its canonical text, in hex.
    hash text NOT NULL,
    -- draft, shadow, active or retired; its text is fixed once it is no draft.
    state text NOT NULL,
    -- From when it is in force.
    effective_from integer NOT NULL,
    -- The bundle as JSON text.
    body text NOT NULL,
    PRIMARY KEY (tenant, id, version),
    CHECK (state IN ('draft', 'shadow', 'active', 'retired'))
);
-- What waits for its instant is put in force by nobody any more.
INSERT INTO bundle_next SELECT tenant, id, version, hash,
    CASE WHEN state = 'scheduled' THEN 'draft' ELSE state END, effective_from, body FROM bundle;
DROP TABLE bundle;
ALTER TABLE bundle_next RENAME TO bundle;
-- One bundle is in force.
CREATE UNIQUE INDEX bundle_active ON bundle (tenant) WHERE state = 'active';
