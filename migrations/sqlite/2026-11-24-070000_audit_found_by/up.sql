-- What an audit row is found by is compared with what it says when the trail is followed.
CREATE INDEX audit_about_audit ON audit_about (tenant, audit);
