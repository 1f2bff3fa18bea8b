CREATE INDEX audit_patient ON audit (tenant, patient, at DESC) WHERE patient IS NOT NULL;
CREATE INDEX audit_focus ON audit (tenant, focus_id, at DESC) WHERE focus_id IS NOT NULL;
DROP TABLE audit_about;
ALTER TABLE audit DROP COLUMN about;
ALTER TABLE audit DROP COLUMN issuer;
ALTER TABLE audit DROP COLUMN subject;
