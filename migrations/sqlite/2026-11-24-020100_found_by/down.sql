DELETE FROM search_value
    WHERE (kind = 'Task' AND param = 'focus')
    OR (kind = 'Task' AND param = 'code')
    OR (param IN ('patient:identifier', 'subject:identifier') AND EXISTS (
        SELECT 1 FROM resource
        WHERE resource.tenant = search_value.tenant AND resource.kind = search_value.kind
            AND resource.id = search_value.id AND resource.patient IS NOT NULL
    ));
