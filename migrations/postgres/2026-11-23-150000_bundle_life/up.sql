-- A bundle may wait for the instant at which it comes into force, and one may be tried beside the active one.

ALTER TABLE bundle DROP CONSTRAINT bundle_state_check;
ALTER TABLE bundle ADD CONSTRAINT bundle_state_check
    CHECK (state IN ('draft', 'shadow', 'scheduled', 'active', 'retired'));
COMMENT ON COLUMN bundle.state IS 'draft, shadow, scheduled, active or retired; its text is fixed once it is no draft.';
CREATE UNIQUE INDEX bundle_shadow ON bundle (tenant) WHERE state = 'shadow';
COMMENT ON INDEX bundle_shadow IS 'One bundle is evaluated beside the one in force.';
CREATE INDEX bundle_scheduled ON bundle (effective_from) WHERE state = 'scheduled';
COMMENT ON INDEX bundle_scheduled IS 'What comes into force next, of all tenants.';
