-- What every resource has, and few different codes of, is a column of the row rather than a row of its own; what the row
-- knows already, or other parameters keep, is no longer kept twice.

-- The code of its status, by which it is found; NULL when it has none.
ALTER TABLE resource ADD COLUMN status text;
-- The code of its priority, by which it is found; NULL when it has none.
ALTER TABLE resource ADD COLUMN priority text;
UPDATE resource SET status = (
    SELECT found.value FROM search_value AS found
    WHERE found.tenant = resource.tenant AND found.kind = resource.kind AND found.id = resource.id
        AND found.param = 'status'
);
DELETE FROM search_value
    WHERE param IN ('status', 'participant')
    OR (param IN ('patient', 'subject') AND kind IN ('Communication', 'Task') AND value LIKE 'Patient/%')
    OR (param = 'focus' AND kind = 'Task');
