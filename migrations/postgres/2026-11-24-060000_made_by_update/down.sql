ALTER TABLE resource_history DROP COLUMN made_by_update;
ALTER TABLE resource DROP COLUMN made_by_update;
