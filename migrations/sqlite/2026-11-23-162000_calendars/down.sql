DROP INDEX clock_counted;
ALTER TABLE clock DROP COLUMN calendar;
ALTER TABLE clock DROP COLUMN counted_by;
DROP TABLE calendar;
