DROP INDEX decision_shadow;
ALTER TABLE decision DROP COLUMN mode;
