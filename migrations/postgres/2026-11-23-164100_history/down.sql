DROP INDEX resource_history_written;
DROP INDEX resource_deleted;
