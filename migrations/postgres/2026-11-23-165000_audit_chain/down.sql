DROP INDEX audit_unsealed;
DROP INDEX audit_sequence;
ALTER TABLE audit
    DROP COLUMN seal,
    DROP COLUMN sequence,
    DROP COLUMN purpose,
    DROP COLUMN source,
    DROP COLUMN outcome;
