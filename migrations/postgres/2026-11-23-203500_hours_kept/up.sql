-- Whose hours a notice keeps is looked at again when it may leave: hours, zones and holidays change while it waits.

ALTER TABLE outbox ADD COLUMN hours text COLLATE "C" NOT NULL DEFAULT 'none';
ALTER TABLE outbox ADD CONSTRAINT outbox_hours_check CHECK (hours IN ('none', 'team', 'person'));
ALTER TABLE outbox ADD COLUMN priority text COLLATE "C" NOT NULL DEFAULT 'routine';
COMMENT ON COLUMN outbox.hours IS 'Whose hours it keeps: none, team (the pool is open, and it is not quiet for staff), person (it is not quiet for the one it is for).';
COMMENT ON COLUMN outbox.priority IS 'Its urgency, by which it may pass quiet hours.';

ALTER TABLE thread ADD COLUMN zone text COLLATE "C";
COMMENT ON COLUMN thread.zone IS 'The IANA zone of the patient''s side, as a request of theirs last told it; NULL while unknown.';
