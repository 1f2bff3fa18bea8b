-- Decisions, the audit trail, and the policy they were taken under.

-- Decision records: what was decided, why, and under which bundle.
CREATE TABLE decision (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id.
    id text NOT NULL,
    -- When it was taken.
    at integer NOT NULL,
    -- The type of the resource it was about.
    focus_kind text NOT NULL,
    -- The id of the resource it was about.
    focus_id text NOT NULL,
    -- The thread.
    thread text,
    -- The outcome's code, such as delivered.
    outcome text NOT NULL,
    -- The hash of the bundle it was taken under.
    bundle text NOT NULL,
    -- The record as canonical JSON text, which a replay must reproduce byte for byte.
    body text NOT NULL,
    PRIMARY KEY (tenant, id)
);
-- The latest decisions.
CREATE INDEX decision_at ON decision (tenant, at, id);
-- The decisions about a resource.
CREATE INDEX decision_focus ON decision (tenant, focus_kind, focus_id, at, id);

-- Who did what. Rows are added, never changed.
CREATE TABLE audit (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id.
    id text NOT NULL,
    -- When.
    at integer NOT NULL,
    -- The OAuth client.
    client text NOT NULL,
    -- The person behind it, as a reference.
    agent text,
    -- C, R, U, D or E, as in FHIR's audit-event-action.
    action text NOT NULL,
    -- The interaction, such as read or $claim.
    interaction text NOT NULL,
    -- The type of the resource, when it is one.
    focus_kind text,
    -- The id of the resource, when it is one.
    focus_id text,
    -- Its version.
    version integer,
    -- The patient concerned, as a reference.
    patient text,
    -- A search's query in base64; for those alone who may see the audit.
    query text,
    -- How many resources were given out.
    given integer NOT NULL,
    -- The request it belongs to.
    request text NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (action IN ('C', 'R', 'U', 'D', 'E'))
);

-- Policy bundles.
CREATE TABLE bundle (
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
-- One bundle is in force.
CREATE UNIQUE INDEX bundle_active ON bundle (tenant) WHERE state = 'active';

-- Rises with every change of bundles or hours, so that decisions taken before are taken again.
CREATE TABLE catalogue_generation (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The generation; a tenant without a row is at 0.
    value integer NOT NULL,
    PRIMARY KEY (tenant)
) WITHOUT ROWID;
