-- A create and an update of an id that nobody has look alike once they are stored; their history tells them apart. What
-- was written before is told as until now.

-- Whether an update made the resource with this version: there was none, or none any more.
ALTER TABLE resource ADD COLUMN made_by_update boolean NOT NULL DEFAULT false;
-- Whether an update made the resource with this version: there was none, or none any more.
ALTER TABLE resource_history ADD COLUMN made_by_update boolean NOT NULL DEFAULT false;
