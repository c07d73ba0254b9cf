-- What has not ended is compared with its orchestration: few rows of many.
CREATE INDEX jobs_live ON jobs (id) WHERE ended_at IS NULL;
CREATE INDEX dataset_imports_live ON dataset_imports (id) WHERE ended_at IS NULL;
CREATE INDEX quality_reports_unended ON quality_reports (id) WHERE ended_at IS NULL;

-- Since when somebody waits for an import to stop.
ALTER TABLE dataset_imports ADD COLUMN cancelling_at timestamptz;
UPDATE dataset_imports SET cancelling_at = now() WHERE status = 'cancelling';
