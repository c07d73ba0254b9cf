-- A job of a project that can no longer be restored: its row stays, because runs and model versions name it; what it kept is gone.
ALTER TABLE jobs ADD COLUMN purged_at timestamptz;
CREATE INDEX jobs_deleted ON jobs (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
