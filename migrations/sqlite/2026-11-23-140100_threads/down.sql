DROP TABLE firing;
DROP TABLE clock_segment;
DROP TABLE clock_entry;
DROP TABLE clock;
DROP TABLE thread_participant;
DROP TABLE thread;
