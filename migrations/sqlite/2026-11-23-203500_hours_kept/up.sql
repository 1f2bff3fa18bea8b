-- Whose hours a notice keeps is looked at again when it may leave: hours, zones and holidays change while it waits.

-- Whose hours it keeps: none, team (the pool is open, and it is not quiet for staff), person (it is not quiet for the
-- one it is for).
ALTER TABLE outbox ADD COLUMN hours text NOT NULL DEFAULT 'none' CHECK (hours IN ('none', 'team', 'person'));
-- Its urgency, by which it may pass quiet hours.
ALTER TABLE outbox ADD COLUMN priority text NOT NULL DEFAULT 'routine';

-- The IANA zone of the patient's side, as a request of theirs last told it; NULL while unknown.
ALTER TABLE thread ADD COLUMN zone text;
