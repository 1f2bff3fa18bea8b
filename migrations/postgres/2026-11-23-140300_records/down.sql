DROP TABLE catalogue_generation;
DROP TABLE bundle;
DROP TABLE audit;
DROP TABLE decision;
