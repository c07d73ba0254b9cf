-- Blobs that nothing refers to any more, to be deleted when they are due. Whoever drops the last reference writes the row in the
-- same transaction; whoever stores the blob again takes the row away first.
CREATE TABLE garbage_blobs (
    container text NOT NULL,
    name text COLLATE "C" NOT NULL,
    -- Null: not known before the blob is looked at.
    size_bytes bigint,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    PRIMARY KEY (container, name)
);
CREATE INDEX garbage_blobs_due ON garbage_blobs (due_at);

-- One row for each round that did something. Its counts change in the transactions that did the work.
CREATE TABLE garbage_reports (
    id text COLLATE "C" PRIMARY KEY,
    started_at timestamptz NOT NULL,
    -- Null: the round goes on, or its process died.
    ended_at timestamptz,
    -- By kind, such as {"runs": 3}: what nobody can restore any more.
    released jsonb NOT NULL DEFAULT '{}',
    blobs_freed bigint NOT NULL DEFAULT 0,
    bytes_freed bigint NOT NULL DEFAULT 0,
    blobs_kept bigint NOT NULL DEFAULT 0,
    failures bigint NOT NULL DEFAULT 0
);

-- Purged: deleted for longer than the retention, the content is gone, and nobody can restore it.
ALTER TABLE projects ADD COLUMN purged_at timestamptz;
ALTER TABLE experiments ADD COLUMN purged_at timestamptz;
ALTER TABLE runs ADD COLUMN purged_at timestamptz;
ALTER TABLE models ADD COLUMN purged_at timestamptz;
ALTER TABLE model_versions ADD COLUMN purged_at timestamptz;
ALTER TABLE logged_models ADD COLUMN purged_at timestamptz;
CREATE INDEX projects_garbage ON projects (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX experiments_garbage ON experiments (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX runs_garbage ON runs (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX models_garbage ON models (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX model_versions_garbage ON model_versions (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX logged_models_garbage ON logged_models (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
CREATE INDEX model_versions_run ON model_versions (run_id);
CREATE INDEX model_versions_logged_model ON model_versions (logged_model_id) WHERE logged_model_id IS NOT NULL;
