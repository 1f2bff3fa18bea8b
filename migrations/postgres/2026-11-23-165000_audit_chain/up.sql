-- How an access ended, whence and why; and the chain that tells whether a row was changed, taken away or put between.
ALTER TABLE audit
    ADD COLUMN outcome text COLLATE "C" NOT NULL DEFAULT '0',
    ADD COLUMN source text COLLATE "C",
    ADD COLUMN purpose text COLLATE "C",
    ADD COLUMN sequence bigint,
    ADD COLUMN seal text COLLATE "C",
    ADD CHECK (outcome IN ('0', '4', '8')),
    ADD CHECK ((sequence IS NULL) = (seal IS NULL));

COMMENT ON COLUMN audit.outcome IS 'How it ended: 0 done, 4 refused, 8 failed, as in FHIR''s audit-event-outcome.';
COMMENT ON COLUMN audit.source IS 'The network address that the request came from.';
COMMENT ON COLUMN audit.purpose IS 'What for, as the token says it.';
COMMENT ON COLUMN audit.sequence IS 'The row''s place in the chain of its tenant, from 1 without gaps; absent until it is sealed.';
COMMENT ON COLUMN audit.seal IS 'A keyed digest of the row and of the seal before it, in hex.';

-- The chain in its order; a place is taken once.
CREATE UNIQUE INDEX audit_sequence ON audit (tenant, sequence) WHERE sequence IS NOT NULL;
-- What is to be sealed next.
CREATE INDEX audit_unsealed ON audit (tenant, at, id) WHERE sequence IS NULL;
