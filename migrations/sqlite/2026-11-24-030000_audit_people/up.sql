-- Whose token it was, and all that an access gave out. Rows from before say nothing of it, and their seals hold.
-- The token's subject, unique within its issuer.
ALTER TABLE audit ADD COLUMN subject text;
-- The token's issuer.
ALTER TABLE audit ADD COLUMN issuer text;
-- What was given out besides, as references with spaces between: the patients, then the resources.
ALTER TABLE audit ADD COLUMN about text;

-- What audit rows are about: their patient, their resource and what else they gave out, a row for each.
CREATE TABLE audit_about (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- The patient or the resource.
    reference text NOT NULL,
    -- The id of the audit row.
    audit text NOT NULL,
    PRIMARY KEY (tenant, reference, audit)
) WITHOUT ROWID;

INSERT INTO audit_about (tenant, reference, audit)
    SELECT tenant, patient, id FROM audit WHERE patient IS NOT NULL
    UNION
    SELECT tenant, focus_kind || '/' || focus_id, id FROM audit WHERE focus_id IS NOT NULL;
-- What they were for is done by that table.
DROP INDEX audit_patient;
DROP INDEX audit_focus;
