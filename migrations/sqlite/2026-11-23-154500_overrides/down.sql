DROP INDEX clock_next;
CREATE INDEX clock_next ON clock (next_at) WHERE state = 'running' AND next_at IS NOT NULL;
DROP TABLE obligation_override;
