-- When somebody who answers is away, and whom a conversation is assigned to.

-- Absences. A generation of the catalogue starts with each change of them.
CREATE TABLE absence (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id.
    id text NOT NULL,
    -- Who is away: a Practitioner or a PractitionerRole, as a reference.
    person text NOT NULL,
    -- The first instant of it.
    from_at integer NOT NULL,
    -- The first instant after it.
    until_at integer NOT NULL,
    -- Who answers meanwhile, as a reference.
    cover text,
    -- Why, as a code.
    reason text NOT NULL,
    -- api: declared over the interface; resource: a PractitionerRole says it.
    source text NOT NULL,
    -- The id of that PractitionerRole, with which the row changes.
    role text,
    PRIMARY KEY (tenant, id),
    CHECK (source IN ('api', 'resource')),
    CHECK (from_at < until_at)
);
-- Those that have not ended.
CREATE INDEX absence_until ON absence (tenant, until_at);
-- Those that a PractitionerRole says.
CREATE INDEX absence_role ON absence (tenant, role) WHERE role IS NOT NULL;

-- Who is asked to answer, as a reference: the person written to, their cover, or whom a rule names.
ALTER TABLE thread ADD COLUMN assigned text;
-- The marks that rules have given it, as a JSON array.
ALTER TABLE thread ADD COLUMN tags text NOT NULL DEFAULT '[]';
