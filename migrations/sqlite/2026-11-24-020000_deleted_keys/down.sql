DROP INDEX unique_key_owner;
