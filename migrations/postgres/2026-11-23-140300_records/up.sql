-- Decisions, the audit trail, and the policy they were taken under.

CREATE TABLE decision (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    focus_kind text COLLATE "C" NOT NULL,
    focus_id text COLLATE "C" NOT NULL,
    thread text COLLATE "C",
    outcome text COLLATE "C" NOT NULL,
    bundle text COLLATE "C" NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant, id)
);
COMMENT ON TABLE decision IS 'Decision records: what was decided, why, and under which bundle.';
COMMENT ON COLUMN decision.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN decision.id IS 'Its id.';
COMMENT ON COLUMN decision.at IS 'When it was taken.';
COMMENT ON COLUMN decision.focus_kind IS 'The type of the resource it was about.';
COMMENT ON COLUMN decision.focus_id IS 'The id of the resource it was about.';
COMMENT ON COLUMN decision.thread IS 'The thread.';
COMMENT ON COLUMN decision.outcome IS 'The outcome''s code, such as delivered.';
COMMENT ON COLUMN decision.bundle IS 'The hash of the bundle it was taken under.';
COMMENT ON COLUMN decision.body IS 'The record as canonical JSON text, which a replay must reproduce byte for byte.';
CREATE INDEX decision_at ON decision (tenant, at, id);
COMMENT ON INDEX decision_at IS 'The latest decisions.';
CREATE INDEX decision_focus ON decision (tenant, focus_kind, focus_id, at, id);
COMMENT ON INDEX decision_focus IS 'The decisions about a resource.';

CREATE TABLE audit (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    client text COLLATE "C" NOT NULL,
    agent text COLLATE "C",
    action text COLLATE "C" NOT NULL,
    interaction text COLLATE "C" NOT NULL,
    focus_kind text COLLATE "C",
    focus_id text COLLATE "C",
    version integer,
    patient text COLLATE "C",
    query text COLLATE "C",
    given integer NOT NULL,
    request text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, id),
    CHECK (action IN ('C', 'R', 'U', 'D', 'E'))
);
COMMENT ON TABLE audit IS 'Who did what. Rows are added, never changed.';
COMMENT ON COLUMN audit.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN audit.id IS 'Its id.';
COMMENT ON COLUMN audit.at IS 'When.';
COMMENT ON COLUMN audit.client IS 'The OAuth client.';
COMMENT ON COLUMN audit.agent IS 'The person behind it, as a reference.';
COMMENT ON COLUMN audit.action IS 'C, R, U, D or E, as in FHIR''s audit-event-action.';
COMMENT ON COLUMN audit.interaction IS 'The interaction, such as read or $claim.';
COMMENT ON COLUMN audit.focus_kind IS 'The type of the resource, when it is one.';
COMMENT ON COLUMN audit.focus_id IS 'The id of the resource, when it is one.';
COMMENT ON COLUMN audit.version IS 'Its version.';
COMMENT ON COLUMN audit.patient IS 'The patient concerned, as a reference.';
COMMENT ON COLUMN audit.query IS 'A search''s query in base64; for those alone who may see the audit.';
COMMENT ON COLUMN audit.given IS 'How many resources were given out.';
COMMENT ON COLUMN audit.request IS 'The request it belongs to.';

CREATE TABLE bundle (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    hash text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    effective_from timestamptz NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant, id, version),
    CHECK (state IN ('draft', 'shadow', 'active', 'retired'))
);
COMMENT ON TABLE bundle IS 'Policy bundles.';
COMMENT ON COLUMN bundle.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN bundle.id IS 'The bundle''s id.';
COMMENT ON COLUMN bundle.version IS 'Its version.';
COMMENT ON COLUMN bundle.hash IS 'SHA-256 of its canonical text, in hex.';
COMMENT ON COLUMN bundle.state IS 'draft, shadow, active or retired; its text is fixed once it is no draft.';
COMMENT ON COLUMN bundle.effective_from IS 'From when it is in force.';
COMMENT ON COLUMN bundle.body IS 'The bundle as JSON text.';
CREATE UNIQUE INDEX bundle_active ON bundle (tenant) WHERE state = 'active';
COMMENT ON INDEX bundle_active IS 'One bundle is in force.';

CREATE TABLE catalogue_generation (
    tenant text COLLATE "C" NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (tenant)
);
COMMENT ON TABLE catalogue_generation IS 'Rises with every change of bundles or hours, so that decisions taken before are taken again.';
COMMENT ON COLUMN catalogue_generation.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN catalogue_generation.value IS 'The generation; a tenant without a row is at 0.';
