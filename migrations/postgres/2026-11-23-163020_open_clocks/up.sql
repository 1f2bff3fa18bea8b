-- Clocks that are not over, by state: what the figures count every few seconds without reading the others.
CREATE INDEX clock_open ON clock (state) WHERE state IN ('pending', 'running', 'paused');
