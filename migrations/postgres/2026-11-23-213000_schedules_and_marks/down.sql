DROP TABLE read_mark;
DROP TABLE scheduled_message;
