-- Messages that were retracted, and the holds that end so.

-- Messages entered in error. What their earlier versions say is their author's from then on, and the leads' of the pool.
CREATE TABLE retracted_message (
    -- The organisation whose row this is; part of every key.
    tenant text COLLATE "C" NOT NULL,
    -- The id of the Communication.
    message text COLLATE "C" NOT NULL,
    -- When.
    at timestamptz NOT NULL,
    -- The pool whose leads go on seeing what was written, as a reference.
    pool_reference text COLLATE "C",
    -- The decision record; NULL for what nobody but its author has seen.
    decision text COLLATE "C",
    -- The person who has retracted it, as a reference.
    agent text COLLATE "C",
    -- The OAuth client they used.
    client text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, message)
);

-- held, released, answered, delivered or retracted.
ALTER TABLE held_message DROP CONSTRAINT held_message_state_check;
ALTER TABLE held_message ADD CONSTRAINT held_message_state_check
    CHECK (state IN ('held', 'released', 'answered', 'delivered', 'retracted'));
