DROP INDEX audit_about_audit;
