-- Whose token it was, and all that an access gave out. Rows from before say nothing of it, and their seals hold.
ALTER TABLE audit
    ADD COLUMN subject text COLLATE "C",
    ADD COLUMN issuer text COLLATE "C",
    ADD COLUMN about text COLLATE "C";

COMMENT ON COLUMN audit.subject IS 'The token''s subject, unique within its issuer.';
COMMENT ON COLUMN audit.issuer IS 'The token''s issuer.';
COMMENT ON COLUMN audit.about IS 'What was given out besides, as references with spaces between: the patients, then the resources.';

CREATE TABLE audit_about (
    tenant text COLLATE "C" NOT NULL,
    reference text COLLATE "C" NOT NULL,
    audit text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant, reference, audit)
);
COMMENT ON TABLE audit_about IS 'What audit rows are about: their patient, their resource and what else they gave out, a row for each.';
COMMENT ON COLUMN audit_about.tenant IS 'The organisation whose row this is; part of every key.';
COMMENT ON COLUMN audit_about.reference IS 'The patient or the resource.';
COMMENT ON COLUMN audit_about.audit IS 'The id of the audit row.';

INSERT INTO audit_about (tenant, reference, audit)
    SELECT tenant, patient, id FROM audit WHERE patient IS NOT NULL
    UNION
    SELECT tenant, focus_kind || '/' || focus_id, id FROM audit WHERE focus_id IS NOT NULL;
-- What they were for is done by that table.
DROP INDEX audit_patient;
DROP INDEX audit_focus;
