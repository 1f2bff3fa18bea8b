-- What must leave, written in the transaction of what caused it.

CREATE TABLE outbox (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    recipient text COLLATE "C",
    thread text COLLATE "C",
    focus_kind text COLLATE "C",
    focus_id text COLLATE "C",
    occurred_at timestamptz NOT NULL,
    release_at timestamptz NOT NULL,
    claimed_until timestamptz,
    dispatched_at timestamptz,
    delivery text COLLATE "C",
    PRIMARY KEY (tenant, id),
    CHECK (kind IN ('event', 'notice'))
);
COMMENT ON TABLE outbox IS 'Events for subscribers and notices for people.';
COMMENT ON COLUMN outbox.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN outbox.id IS 'Its id; receivers use it to recognise repetitions.';
COMMENT ON COLUMN outbox.kind IS 'event or notice.';
COMMENT ON COLUMN outbox.topic IS 'What happened (message-received) or why the notice is sent (warn-50).';
COMMENT ON COLUMN outbox.recipient IS 'Whom a notice is for; NULL for events.';
COMMENT ON COLUMN outbox.thread IS 'The thread concerned.';
COMMENT ON COLUMN outbox.focus_kind IS 'The type of the resource concerned.';
COMMENT ON COLUMN outbox.focus_id IS 'The id of the resource concerned.';
COMMENT ON COLUMN outbox.occurred_at IS 'When it happened.';
COMMENT ON COLUMN outbox.release_at IS 'The earliest moment at which it may leave.';
COMMENT ON COLUMN outbox.claimed_until IS 'Until when a worker holds it.';
COMMENT ON COLUMN outbox.dispatched_at IS 'When it was taken care of; NULL while it waits.';
COMMENT ON COLUMN outbox.delivery IS 'The delivery it became part of; NULL when nobody was to be told.';
CREATE INDEX outbox_release ON outbox (release_at) WHERE dispatched_at IS NULL;
COMMENT ON INDEX outbox_release IS 'What leaves next, of all tenants.';
CREATE INDEX outbox_recipient ON outbox (tenant, recipient, release_at) WHERE dispatched_at IS NULL AND recipient IS NOT NULL;
COMMENT ON INDEX outbox_recipient IS 'Everything that waits for one recipient, to leave as one digest.';

CREATE TABLE delivery (
    tenant text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    outbox text NOT NULL,
    topics text NOT NULL,
    PRIMARY KEY (tenant, id)
);
COMMENT ON TABLE delivery IS 'What was put together for one recipient at one time: a notice or a digest of several.';
COMMENT ON COLUMN delivery.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN delivery.id IS 'Its id.';
COMMENT ON COLUMN delivery.recipient IS 'The recipient.';
COMMENT ON COLUMN delivery.at IS 'When it was put together.';
COMMENT ON COLUMN delivery.outbox IS 'JSON: the ids of the outbox rows in it, oldest first.';
COMMENT ON COLUMN delivery.topics IS 'JSON: their topics, in the same order.';
CREATE INDEX delivery_at ON delivery (tenant, at, id);
COMMENT ON INDEX delivery_at IS 'The latest deliveries.';
