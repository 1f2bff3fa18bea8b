DROP INDEX bundle_scheduled;
DROP INDEX bundle_shadow;
-- What waits for its instant is put in force by nobody any more.
UPDATE bundle SET state = 'draft' WHERE state = 'scheduled';
ALTER TABLE bundle DROP CONSTRAINT bundle_state_check;
ALTER TABLE bundle ADD CONSTRAINT bundle_state_check CHECK (state IN ('draft', 'shadow', 'active', 'retired'));
COMMENT ON COLUMN bundle.state IS 'draft, shadow, active or retired; its text is fixed once it is no draft.';
