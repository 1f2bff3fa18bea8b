DROP INDEX clock_open;
