-- Conversations that a person must look at are counted for the metrics every few seconds; they are few among all.
CREATE INDEX thread_needs_review ON thread (tenant) WHERE needs_review;
