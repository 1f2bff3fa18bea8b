-- What is owed under a bundle that retires may fall away, for a reason.

-- Why what is owed under the bundle before falls away when this one comes into force: clinic-closes, answered-elsewhere
-- or bundle-faulty; NULL: it is finished under its own terms.
ALTER TABLE bundle ADD COLUMN cancels text;

-- The bundle whose terms it began under, as id/version; what its terms say.
ALTER TABLE clock ADD COLUMN bundle text NOT NULL DEFAULT '';
UPDATE clock SET bundle = json_extract(terms, '$.bundle');
