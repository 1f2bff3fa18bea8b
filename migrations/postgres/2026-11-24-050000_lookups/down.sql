DROP INDEX audit_agent;
DROP INDEX thread_pool;
DROP INDEX thread_activity;
DROP INDEX resource_thread;
