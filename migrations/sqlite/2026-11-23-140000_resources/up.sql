-- Resources: their current version, the versions before it, and what they are found by.
--
-- Instants are microseconds since 1970-01-01T00:00:00Z. There are no foreign keys: rows are written by one writer in
-- one transaction, and a check for each of the dozens of rows of a message would cost more than writing them.

-- The current version of every resource.
CREATE TABLE resource (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The FHIR type, such as Communication.
    kind text NOT NULL,
    -- The logical id, 1 to 64 characters.
    id text NOT NULL,
    -- meta.versionId: 1 for the first, one more for each change; compared on save.
    version integer NOT NULL,
    -- meta.lastUpdated: when this version was written.
    last_updated_at integer NOT NULL,
    -- The type's own date, for sorting: sent of a Communication, due of a Task, else the time of writing.
    date_at integer NOT NULL,
    -- Whether this version says that the resource is deleted.
    deleted boolean NOT NULL,
    -- The thread it belongs to: the id of the root Communication.
    thread text,
    -- The patient it is about, as a reference such as Patient/p-1.
    patient text,
    -- Who wrote it, as a reference; drafts are theirs alone.
    author text,
    -- Who may see it beyond the rules for its thread: thread, author (a draft) or staff (an internal note).
    audience text NOT NULL,
    -- The resource as JSON text, as received plus what the server sets; never reformatted.
    body text NOT NULL,
    PRIMARY KEY (tenant, kind, id),
    CHECK (audience IN ('thread', 'author', 'staff'))
);
-- Pages sorted by _lastUpdated. Partial, so that a lookup by id cannot be planned over it while statistics are missing.
CREATE INDEX resource_last_updated ON resource (tenant, kind, last_updated_at, id) WHERE NOT deleted;
-- Pages sorted by the type's own date. Partial for the same reason.
CREATE INDEX resource_date ON resource (tenant, kind, date_at, id) WHERE NOT deleted;
-- What a patient sees, in order.
CREATE INDEX resource_patient ON resource (tenant, kind, patient, date_at, id) WHERE patient IS NOT NULL AND NOT deleted;
-- What everybody sees: resources about no patient and in no thread, such as HealthcareService.
CREATE INDEX resource_common ON resource (tenant, kind, id) WHERE patient IS NULL AND thread IS NULL;

-- Superseded versions, copied from resource when the next one is written.
CREATE TABLE resource_history (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The FHIR type, such as Communication.
    kind text NOT NULL,
    -- The logical id, 1 to 64 characters.
    id text NOT NULL,
    -- meta.versionId: 1 for the first, one more for each change; compared on save.
    version integer NOT NULL,
    -- meta.lastUpdated: when this version was written.
    last_updated_at integer NOT NULL,
    -- The type's own date, for sorting: sent of a Communication, due of a Task, else the time of writing.
    date_at integer NOT NULL,
    -- Whether this version says that the resource is deleted.
    deleted boolean NOT NULL,
    -- The thread it belongs to: the id of the root Communication.
    thread text,
    -- The patient it is about, as a reference such as Patient/p-1.
    patient text,
    -- Who wrote it, as a reference; drafts are theirs alone.
    author text,
    -- Who may see it beyond the rules for its thread: thread, author (a draft) or staff (an internal note).
    audience text NOT NULL,
    -- The resource as JSON text, as received plus what the server sets; never reformatted.
    body text NOT NULL,
    PRIMARY KEY (tenant, kind, id, version),
    CHECK (audience IN ('thread', 'author', 'staff'))
);

-- The values by which current resources are found; those of a superseded version are removed.
CREATE TABLE search_value (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The type of the resource that has the value.
    kind text NOT NULL,
    -- The resource that has the value.
    id text NOT NULL,
    -- The place of the value among those of its resource.
    number integer NOT NULL,
    -- The search parameter, such as category.
    param text NOT NULL,
    -- The system of a token; NULL when it has none and for other types of value.
    system text,
    -- A token's code or a literal reference; NULL for dates. Longer ones than 500 bytes are cut and end in their digest.
    value text,
    -- A date's first moment; NULL for other types of value.
    low_at integer,
    -- The first moment after a date; NULL for other types of value.
    high_at integer,
    PRIMARY KEY (tenant, kind, id, number),
    CHECK ((value IS NULL) <> (low_at IS NULL))
) WITHOUT ROWID;
-- Tokens and references, by equality.
CREATE INDEX search_value_text ON search_value (tenant, kind, param, value, id) WHERE value IS NOT NULL;
-- Dates, by range.
CREATE INDEX search_value_date ON search_value (tenant, kind, param, low_at, high_at, id) WHERE low_at IS NOT NULL;

-- Keys that may exist once, such as the criteria of a conditional create.
CREATE TABLE unique_key (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- What the key is about, such as If-None-Exist:Communication.
    namespace text NOT NULL,
    -- A digest, never a person's data.
    key text NOT NULL,
    -- The type of the resource that has the key.
    owner_kind text NOT NULL,
    -- The id of the resource that has the key.
    owner_id text NOT NULL,
    PRIMARY KEY (tenant, namespace, key)
) WITHOUT ROWID;
