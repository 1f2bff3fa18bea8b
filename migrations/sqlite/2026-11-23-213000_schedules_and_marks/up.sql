-- Messages that are to be sent at an instant, and whether they have been.
CREATE TABLE scheduled_message (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The id of the Communication.
    message text NOT NULL,
    -- Who wrote it, as a reference.
    sender text NOT NULL,
    -- When it is to be sent.
    release_at integer NOT NULL,
    -- JSON: what the request said about the patient, for the rules that are looked at when it is sent.
    facts text NOT NULL,
    -- Whether it is believed when it says that a machine wrote it: not of a patient's own token.
    believed boolean NOT NULL,
    -- When it was sent or cancelled; NULL while it waits.
    ended_at integer,
    PRIMARY KEY (tenant, message)
);
-- What is sent next, of all tenants.
CREATE INDEX scheduled_message_release ON scheduled_message (release_at) WHERE ended_at IS NULL;

-- Who has read what: outside the message's versions, which do not change by being read.
CREATE TABLE read_mark (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The id of the Communication.
    message text NOT NULL,
    -- Who has read it, as a reference.
    reader text NOT NULL,
    -- When they said so.
    read_at integer NOT NULL,
    PRIMARY KEY (tenant, message, reader)
);
