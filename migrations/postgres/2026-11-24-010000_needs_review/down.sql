DROP INDEX thread_needs_review;
