-- Resources: their current version, the versions before it, and what they are found by.
--
-- Text is compared byte by byte (COLLATE "C"): keys are codes and ids, and pages must continue alike everywhere.
-- There are no foreign keys: rows are written by one writer in one transaction, and a check for each of the dozens
-- of rows of a message would cost more than writing them.

CREATE TABLE resource (
    tenant text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    last_updated_at timestamptz NOT NULL,
    date_at timestamptz NOT NULL,
    deleted boolean NOT NULL,
    thread text COLLATE "C",
    patient text COLLATE "C",
    author text COLLATE "C",
    audience text COLLATE "C" NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant, kind, id),
    CHECK (audience IN ('thread', 'author', 'staff'))
);
COMMENT ON TABLE resource IS 'The current version of every resource.';
COMMENT ON COLUMN resource.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN resource.kind IS 'The FHIR type, such as Communication.';
COMMENT ON COLUMN resource.id IS 'The logical id, 1 to 64 characters.';
COMMENT ON COLUMN resource.version IS 'meta.versionId: 1 for the first, one more for each change; compared on save.';
COMMENT ON COLUMN resource.last_updated_at IS 'meta.lastUpdated: when this version was written.';
COMMENT ON COLUMN resource.date_at IS 'The type''s own date, for sorting: sent of a Communication, due of a Task, else the time of writing.';
COMMENT ON COLUMN resource.deleted IS 'Whether this version says that the resource is deleted.';
COMMENT ON COLUMN resource.thread IS 'The thread it belongs to: the id of the root Communication.';
COMMENT ON COLUMN resource.patient IS 'The patient it is about, as a reference such as Patient/p-1.';
COMMENT ON COLUMN resource.author IS 'Who wrote it, as a reference; drafts are theirs alone.';
COMMENT ON COLUMN resource.audience IS 'Who may see it beyond the rules for its thread: thread, author (a draft) or staff (an internal note).';
COMMENT ON COLUMN resource.body IS 'The resource as JSON text, as received plus what the server sets; never reformatted.';
CREATE INDEX resource_last_updated ON resource (tenant, kind, last_updated_at, id) WHERE NOT deleted;
COMMENT ON INDEX resource_last_updated IS 'Pages sorted by _lastUpdated. Partial, so that a lookup by id cannot be planned over it while statistics are missing.';
CREATE INDEX resource_date ON resource (tenant, kind, date_at, id) WHERE NOT deleted;
COMMENT ON INDEX resource_date IS 'Pages sorted by the type''s own date. Partial for the same reason.';
CREATE INDEX resource_patient ON resource (tenant, kind, patient, date_at, id) WHERE patient IS NOT NULL AND NOT deleted;
COMMENT ON INDEX resource_patient IS 'What a patient sees, in order.';
CREATE INDEX resource_common ON resource (tenant, kind, id) WHERE patient IS NULL AND thread IS NULL;
COMMENT ON INDEX resource_common IS 'What everybody sees: resources about no patient and in no thread, such as HealthcareService.';

CREATE TABLE resource_history (
    tenant text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    last_updated_at timestamptz NOT NULL,
    date_at timestamptz NOT NULL,
    deleted boolean NOT NULL,
    thread text COLLATE "C",
    patient text COLLATE "C",
    author text COLLATE "C",
    audience text COLLATE "C" NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (tenant, kind, id, version),
    CHECK (audience IN ('thread', 'author', 'staff'))
);
COMMENT ON TABLE resource_history IS 'Superseded versions, copied from resource when the next one is written.';
COMMENT ON COLUMN resource_history.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN resource_history.kind IS 'The FHIR type, such as Communication.';
COMMENT ON COLUMN resource_history.id IS 'The logical id, 1 to 64 characters.';
COMMENT ON COLUMN resource_history.version IS 'meta.versionId: 1 for the first, one more for each change; compared on save.';
COMMENT ON COLUMN resource_history.last_updated_at IS 'meta.lastUpdated: when this version was written.';
COMMENT ON COLUMN resource_history.date_at IS 'The type''s own date, for sorting: sent of a Communication, due of a Task, else the time of writing.';
COMMENT ON COLUMN resource_history.deleted IS 'Whether this version says that the resource is deleted.';
COMMENT ON COLUMN resource_history.thread IS 'The thread it belongs to: the id of the root Communication.';
COMMENT ON COLUMN resource_history.patient IS 'The patient it is about, as a reference such as Patient/p-1.';
COMMENT ON COLUMN resource_history.author IS 'Who wrote it, as a reference; drafts are theirs alone.';
COMMENT ON COLUMN resource_history.audience IS 'Who may see it beyond the rules for its thread: thread, author (a draft) or staff (an internal note).';
COMMENT ON COLUMN resource_history.body IS 'The resource as JSON text, as received plus what the server sets; never reformatted.';

CREATE TABLE search_value (
    tenant text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    param text COLLATE "C" NOT NULL,
    system text COLLATE "C",
    value text COLLATE "C",
    low_at timestamptz,
    high_at timestamptz,
    PRIMARY KEY (tenant, kind, id, number),
    CHECK ((value IS NULL) <> (low_at IS NULL))
);
COMMENT ON TABLE search_value IS 'The values by which current resources are found; those of a superseded version are removed.';
COMMENT ON COLUMN search_value.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN search_value.kind IS 'The type of the resource that has the value.';
COMMENT ON COLUMN search_value.id IS 'The resource that has the value.';
COMMENT ON COLUMN search_value.number IS 'The place of the value among those of its resource.';
COMMENT ON COLUMN search_value.param IS 'The search parameter, such as category.';
COMMENT ON COLUMN search_value.system IS 'The system of a token; NULL when it has none and for other types of value.';
COMMENT ON COLUMN search_value.value IS 'A token''s code or a literal reference; NULL for dates. Longer ones than 500 bytes are cut and end in their digest.';
COMMENT ON COLUMN search_value.low_at IS 'A date''s first moment; NULL for other types of value.';
COMMENT ON COLUMN search_value.high_at IS 'The first moment after a date; NULL for other types of value.';
CREATE INDEX search_value_text ON search_value (tenant, kind, param, value, id) WHERE value IS NOT NULL;
COMMENT ON INDEX search_value_text IS 'Tokens and references, by equality.';
CREATE INDEX search_value_date ON search_value (tenant, kind, param, low_at, high_at, id) WHERE low_at IS NOT NULL;
COMMENT ON INDEX search_value_date IS 'Dates, by range.';

CREATE TABLE unique_key (
    tenant text COLLATE "C" NOT NULL,
    namespace text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    owner_kind text COLLATE "C" NOT NULL,
    owner_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, namespace, key)
);
COMMENT ON TABLE unique_key IS 'Keys that may exist once, such as the criteria of a conditional create.';
COMMENT ON COLUMN unique_key.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN unique_key.namespace IS 'What the key is about, such as If-None-Exist:Communication.';
COMMENT ON COLUMN unique_key.key IS 'A digest, never a person''s data.';
COMMENT ON COLUMN unique_key.owner_kind IS 'The type of the resource that has the key.';
COMMENT ON COLUMN unique_key.owner_id IS 'The id of the resource that has the key.';
