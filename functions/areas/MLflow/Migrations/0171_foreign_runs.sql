-- A registry may stand apart from the tracking server: versions and logged models name runs that are not known here.
ALTER TABLE model_versions ADD COLUMN foreign_run_id text COLLATE "C";
ALTER TABLE logged_models ADD COLUMN foreign_run_id text COLLATE "C";
