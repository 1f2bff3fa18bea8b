-- What must leave, written in the transaction of what caused it.

-- Events for subscribers and notices for people.
CREATE TABLE outbox (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id; receivers use it to recognise repetitions.
    id text NOT NULL,
    -- event or notice.
    kind text NOT NULL,
    -- What happened (message-received) or why the notice is sent (warn-50).
    topic text NOT NULL,
    -- Whom a notice is for; NULL for events.
    recipient text,
    -- The thread concerned.
    thread text,
    -- The type of the resource concerned.
    focus_kind text,
    -- The id of the resource concerned.
    focus_id text,
    -- When it happened.
    occurred_at integer NOT NULL,
    -- The earliest moment at which it may leave.
    release_at integer NOT NULL,
    -- Until when a worker holds it.
    claimed_until integer,
    -- When it was taken care of; NULL while it waits.
    dispatched_at integer,
    -- The delivery it became part of; NULL when nobody was to be told.
    delivery text,
    PRIMARY KEY (tenant, id),
    CHECK (kind IN ('event', 'notice'))
);
-- What leaves next, of all tenants.
CREATE INDEX outbox_release ON outbox (release_at) WHERE dispatched_at IS NULL;
-- Everything that waits for one recipient, to leave as one digest.
CREATE INDEX outbox_recipient ON outbox (tenant, recipient, release_at) WHERE dispatched_at IS NULL AND recipient IS NOT NULL;

-- What was put together for one recipient at one time: a notice or a digest of several.
CREATE TABLE delivery (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its id.
    id text NOT NULL,
    -- The recipient.
    recipient text NOT NULL,
    -- When it was put together.
    at integer NOT NULL,
    -- JSON: the ids of the outbox rows in it, oldest first.
    outbox text NOT NULL,
    -- JSON: their topics, in the same order.
    topics text NOT NULL,
    PRIMARY KEY (tenant, id)
);
-- The latest deliveries.
CREATE INDEX delivery_at ON delivery (tenant, at, id);
