-- Calendars by which clocks are counted, kept for as long as their ledgers, and which one counts for each clock.

-- A calendar with everything it is compiled from. Rows are added, never changed: a key names its content.
CREATE TABLE calendar (
    -- The organisation whose row this is; part of every key.
    tenant text NOT NULL,
    -- Its name, a hash of its rules, one of its holidays, and the release of the zone data.
    key text NOT NULL,
    -- JSON: the rules and the confirmed holidays.
    body text NOT NULL,
    PRIMARY KEY (tenant, key)
);

-- Whose calendar counts: a pool's resource or a calendar of the bundle; empty for clocks from before this was kept.
ALTER TABLE clock ADD COLUMN counted_by text NOT NULL DEFAULT '';
-- The key of the calendar that counts now.
ALTER TABLE clock ADD COLUMN calendar text NOT NULL DEFAULT '';
UPDATE clock SET calendar = coalesce(json_extract(fold, '$.calendar'), '');
-- What clocks that run or rest are counted by.
CREATE INDEX clock_counted ON clock (tenant, counted_by, calendar) WHERE state IN ('running', 'paused');
