-- The trail as those who may read it ask for it: the latest first, by patient, by resource.
CREATE INDEX audit_latest ON audit (tenant, at DESC, id DESC);
CREATE INDEX audit_patient ON audit (tenant, patient, at DESC) WHERE patient IS NOT NULL;
CREATE INDEX audit_focus ON audit (tenant, focus_id, at DESC) WHERE focus_id IS NOT NULL;
