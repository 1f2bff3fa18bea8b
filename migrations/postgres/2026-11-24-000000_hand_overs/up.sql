-- Where a person has said who answers, rules do not say otherwise until the next cycle.

ALTER TABLE thread ADD COLUMN handed_cycle integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN thread.handed_cycle IS 'The cycle in which a person last said who answers, by a hand-over or an assignment; 0 while nobody has.';
