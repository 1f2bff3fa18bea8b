-- The versions of a type in the order in which they were written, deletions among them. What is current and deleted is
-- little, so one index serves searches and histories.

DROP INDEX resource_last_updated;
CREATE INDEX resource_last_updated ON resource (tenant, kind, last_updated_at, id);
COMMENT ON INDEX resource_last_updated IS 'Searches and histories by the time of writing.';
CREATE INDEX resource_history_last_updated ON resource_history (tenant, kind, last_updated_at, id);
COMMENT ON INDEX resource_history_last_updated IS 'Histories by the time of writing, of what was superseded.';
