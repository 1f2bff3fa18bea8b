ALTER TABLE thread DROP COLUMN tags;
ALTER TABLE thread DROP COLUMN assigned;
DROP TABLE absence;
