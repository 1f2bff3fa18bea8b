DROP INDEX thread_merged_into;
