-- Threads that were merged into another.

-- The thread that goes on in its place.
ALTER TABLE thread ADD COLUMN merged_into text;
