-- What was made under a condition and then deleted is found no more, so the condition is free again.

DELETE FROM unique_key WHERE EXISTS (
    SELECT 1 FROM resource
    WHERE resource.tenant = unique_key.tenant AND resource.kind = unique_key.owner_kind
        AND resource.id = unique_key.owner_id AND resource.deleted
);
CREATE INDEX unique_key_owner ON unique_key (tenant, owner_kind, owner_id);
COMMENT ON INDEX unique_key_owner IS 'The keys of a resource, to give them back with it.';
