ALTER TABLE thread DROP COLUMN handed_cycle;
