-- What Tasks are about and what they are for is not always their thread and an answer: reviews are about the message that
-- is held. And the patient whom a row knows may be named by an identifier beside the reference.

INSERT INTO search_value (tenant, kind, id, number, param, system, value)
SELECT tenant, kind, id, COALESCE((
    SELECT max(other.number) FROM search_value AS other
    WHERE other.tenant = resource.tenant AND other.kind = resource.kind AND other.id = resource.id
), -1) + 1, 'focus', NULL, (body::json #>> '{focus,reference}')
FROM resource WHERE kind = 'Task' AND NOT deleted AND (body::json #>> '{focus,reference}') IS NOT NULL;
INSERT INTO search_value (tenant, kind, id, number, param, system, value)
SELECT tenant, kind, id, COALESCE((
    SELECT max(other.number) FROM search_value AS other
    WHERE other.tenant = resource.tenant AND other.kind = resource.kind AND other.id = resource.id
), -1) + 1, 'code', (body::json #>> '{code,coding,0,system}'), (body::json #>> '{code,coding,0,code}')
FROM resource WHERE kind = 'Task' AND NOT deleted AND (body::json #>> '{code,coding,0,code}') <> 'fulfill';
INSERT INTO search_value (tenant, kind, id, number, param, system, value)
SELECT tenant, kind, id, COALESCE((
    SELECT max(other.number) FROM search_value AS other
    WHERE other.tenant = resource.tenant AND other.kind = resource.kind AND other.id = resource.id
), -1) + 1, 'patient:identifier', (body::json #>> '{subject,identifier,system}'), (body::json #>> '{subject,identifier,value}')
FROM resource WHERE kind IN ('Communication', 'CareTeam') AND NOT deleted AND patient IS NOT NULL
    AND (body::json #>> '{subject,reference}') IS NOT NULL AND octet_length((body::json #>> '{subject,identifier,value}')) <= 500;
INSERT INTO search_value (tenant, kind, id, number, param, system, value)
SELECT tenant, kind, id, COALESCE((
    SELECT max(other.number) FROM search_value AS other
    WHERE other.tenant = resource.tenant AND other.kind = resource.kind AND other.id = resource.id
), -1) + 1, 'subject:identifier', (body::json #>> '{subject,identifier,system}'), (body::json #>> '{subject,identifier,value}')
FROM resource WHERE kind IN ('Communication', 'CareTeam') AND NOT deleted AND patient IS NOT NULL
    AND (body::json #>> '{subject,reference}') IS NOT NULL AND octet_length((body::json #>> '{subject,identifier,value}')) <= 500;
