-- The versions of a type in the order in which they were written, deletions among them. What is current and not deleted
-- is found by the index of searches.

CREATE INDEX resource_deleted ON resource (tenant, kind, last_updated_at, id) WHERE deleted;
COMMENT ON INDEX resource_deleted IS 'Histories by the time of writing, what is deleted.';
CREATE INDEX resource_history_written ON resource_history (tenant, kind, last_updated_at, id) WHERE version > 0;
COMMENT ON INDEX resource_history_written IS 'Histories by the time of writing, what was superseded; a version is found by its key.';
