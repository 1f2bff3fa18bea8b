DROP TABLE simulation;
