DROP TABLE unique_key;
DROP TABLE search_value;
DROP TABLE resource_history;
DROP TABLE resource;
