DROP INDEX audit_focus;
DROP INDEX audit_patient;
DROP INDEX audit_latest;
