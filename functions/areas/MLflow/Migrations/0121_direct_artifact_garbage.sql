-- Folders of purged runs below the artifact root (MLflow__ArtifactRoot), to be deleted when they are due. The transaction that
-- purges the run writes the row; it goes when the folder is gone.
CREATE TABLE garbage_folders (
    -- {artifact location}/{run}
    uri text COLLATE "C" PRIMARY KEY,
    run_id text COLLATE "C" NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    last_error text
);
CREATE INDEX garbage_folders_due ON garbage_folders (due_at);

-- Files and blobs below the artifact root; their bytes count with those of the platform's own blobs.
ALTER TABLE garbage_reports ADD COLUMN files_freed bigint NOT NULL DEFAULT 0;
