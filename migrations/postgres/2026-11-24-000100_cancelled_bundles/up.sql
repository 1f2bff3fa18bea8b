-- What is owed under a bundle that retires may fall away, for a reason.

ALTER TABLE bundle ADD COLUMN cancels text COLLATE "C";
COMMENT ON COLUMN bundle.cancels IS 'Why what is owed under the bundle before falls away when this one comes into force: clinic-closes, answered-elsewhere or bundle-faulty; NULL: it is finished under its own terms.';

ALTER TABLE clock ADD COLUMN bundle text COLLATE "C" NOT NULL DEFAULT '';
UPDATE clock SET bundle = terms::json ->> 'bundle';
COMMENT ON COLUMN clock.bundle IS 'The bundle whose terms it began under, as id/version; what its terms say.';
