-- Whether what was decided was also done: live records and those of a bundle in shadow stand side by side.

-- live, or shadow for what a bundle in shadow would have decided.
ALTER TABLE decision ADD COLUMN mode text NOT NULL DEFAULT 'live';
-- Until now the record alone said it.
UPDATE decision SET mode = 'shadow' WHERE body LIKE '%"mode":"shadow"%';
-- The latest of a bundle in shadow.
CREATE INDEX decision_shadow ON decision (tenant, at, id) WHERE mode = 'shadow';
