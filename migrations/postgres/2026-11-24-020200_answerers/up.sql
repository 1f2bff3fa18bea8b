-- The conversations in which somebody is to answer.

CREATE INDEX thread_owner ON thread (tenant, owner, id) WHERE owner IS NOT NULL;
COMMENT ON INDEX thread_owner IS 'Those that somebody has claimed.';
CREATE INDEX thread_assigned ON thread (tenant, assigned, id) WHERE assigned IS NOT NULL;
COMMENT ON INDEX thread_assigned IS 'Those in which somebody is asked to answer.';
