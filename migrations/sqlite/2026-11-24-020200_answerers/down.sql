DROP INDEX thread_assigned;
DROP INDEX thread_owner;
