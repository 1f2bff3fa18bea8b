DROP INDEX resource_history_last_updated;
DROP INDEX resource_last_updated;
CREATE INDEX resource_last_updated ON resource (tenant, kind, last_updated_at, id) WHERE NOT deleted;
