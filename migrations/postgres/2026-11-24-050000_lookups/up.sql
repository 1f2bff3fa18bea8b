-- What is in a thread: conversations, what somebody has not read in them, and searches by part-of and thread.
CREATE INDEX resource_thread ON resource (tenant, thread, date_at, id) WHERE thread IS NOT NULL AND NOT deleted;
-- Conversations by what happened last, of an organisation and of a pool.
CREATE INDEX thread_activity ON thread (tenant, last_activity_at DESC, id);
CREATE INDEX thread_pool ON thread (tenant, pool_reference, last_activity_at) WHERE pool_reference IS NOT NULL;
-- The trail of what one person did, the latest first.
CREATE INDEX audit_agent ON audit (tenant, agent, at DESC) WHERE agent IS NOT NULL;
