DROP TABLE delivery;
DROP TABLE outbox;
