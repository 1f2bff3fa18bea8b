-- Holidays that a tenant keeps beside its bundle.

-- A generation of the catalogue starts with each change of them.
CREATE TABLE holiday (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id.
    id text NOT NULL,
    -- The holiday set of the bundle that it belongs to.
    holiday_set text NOT NULL,
    -- The local date, as 2026-12-24.
    date_on text NOT NULL,
    -- What it is called.
    name text NOT NULL,
    -- The shifts of that date, as a JSON array; an empty one means closed.
    shifts text NOT NULL,
    -- Whether a person has confirmed it; until then it has no effect.
    confirmed boolean NOT NULL,
    -- api: entered over the interface; feed: imported.
    source text NOT NULL,
    -- The UID of its event in the feed.
    uid text,
    PRIMARY KEY (tenant, id),
    CHECK (source IN ('api', 'feed'))
);
-- An event of a feed gives each date once.
CREATE UNIQUE INDEX holiday_event ON holiday (tenant, holiday_set, uid, date_on) WHERE uid IS NOT NULL;
