-- How an access ended, whence and why; and the chain that tells whether a row was changed, taken away or put between.
-- How it ended: 0 done, 4 refused, 8 failed, as in FHIR's audit-event-outcome.
ALTER TABLE audit ADD COLUMN outcome text NOT NULL DEFAULT '0' CHECK (outcome IN ('0', '4', '8'));
-- The network address that the request came from.
ALTER TABLE audit ADD COLUMN source text;
-- What for, as the token says it.
ALTER TABLE audit ADD COLUMN purpose text;
-- The row's place in the chain of its tenant, from 1 without gaps; absent until it is sealed.
ALTER TABLE audit ADD COLUMN sequence integer;
-- A keyed digest of the row and of the seal before it, in hex.
ALTER TABLE audit ADD COLUMN seal text;

-- The chain in its order; a place is taken once.
CREATE UNIQUE INDEX audit_sequence ON audit (tenant, sequence) WHERE sequence IS NOT NULL;
-- What is to be sealed next.
CREATE INDEX audit_unsealed ON audit (tenant, at, id) WHERE sequence IS NULL;
