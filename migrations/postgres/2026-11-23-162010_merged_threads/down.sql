ALTER TABLE thread DROP COLUMN merged_into;
