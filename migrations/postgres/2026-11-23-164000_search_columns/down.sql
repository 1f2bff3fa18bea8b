INSERT INTO search_value (tenant, kind, id, number, param, value)
    SELECT tenant, kind, id, 1000, 'status', status FROM resource WHERE status IS NOT NULL AND NOT deleted;
INSERT INTO search_value (tenant, kind, id, number, param, value)
    SELECT tenant, kind, id, 1001, 'patient', patient FROM resource
    WHERE patient IS NOT NULL AND NOT deleted AND kind IN ('Communication', 'Task');
INSERT INTO search_value (tenant, kind, id, number, param, value)
    SELECT tenant, kind, id, 1002, 'subject', patient FROM resource
    WHERE patient IS NOT NULL AND NOT deleted AND kind = 'Communication';
INSERT INTO search_value (tenant, kind, id, number, param, value)
    SELECT tenant, kind, id, 1003, 'focus', 'Communication/' || thread FROM resource
    WHERE thread IS NOT NULL AND NOT deleted AND kind = 'Task';
INSERT INTO search_value (tenant, kind, id, number, param, value)
    SELECT DISTINCT tenant, kind, id, 2000 + number, 'participant', value FROM search_value
    WHERE kind = 'Communication' AND param IN ('sender', 'recipient');
ALTER TABLE resource DROP COLUMN priority;
ALTER TABLE resource DROP COLUMN status;
