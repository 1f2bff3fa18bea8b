DROP INDEX audit_unsealed;
DROP INDEX audit_sequence;
ALTER TABLE audit DROP COLUMN seal;
ALTER TABLE audit DROP COLUMN sequence;
ALTER TABLE audit DROP COLUMN purpose;
ALTER TABLE audit DROP COLUMN source;
ALTER TABLE audit DROP COLUMN outcome;
