-- Quality reports of dataset versions, what is expected of datasets, and who let blocked versions be used.
CREATE TABLE quality_plans (
    dataset_id text COLLATE "C" PRIMARY KEY REFERENCES datasets (id) ON DELETE CASCADE,
    plan text NOT NULL,
    updated_by text COLLATE "C",
    updated_at timestamptz NOT NULL
);

CREATE TABLE quality_reports (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    version_id text COLLATE "C" NOT NULL REFERENCES dataset_versions (id) ON DELETE CASCADE,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    reason text,
    progress double precision NOT NULL DEFAULT 0,
    plan text NOT NULL,
    -- The report whose sketches drift is measured against.
    baseline_id text COLLATE "C" REFERENCES quality_reports (id) ON DELETE SET NULL,
    score double precision,
    passed boolean,
    blocked boolean,
    -- Compressed JSON: the report, and what later versions are compared by.
    document bytea,
    sketches bytea,
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX quality_reports_version ON quality_reports (version_id, id);
CREATE INDEX quality_reports_project ON quality_reports (project_id, id);
-- One report of a version at a time.
CREATE UNIQUE INDEX quality_reports_live ON quality_reports (version_id) WHERE status IN ('pending', 'running');
CREATE INDEX quality_reports_baseline ON quality_reports (baseline_id) WHERE baseline_id IS NOT NULL;

-- What the steps of a running report found; gone when it ends.
CREATE TABLE quality_parts (
    report_id text COLLATE "C" NOT NULL REFERENCES quality_reports (id) ON DELETE CASCADE,
    part integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (report_id, part)
);

-- Written once, never changed: the record of who took the responsibility.
CREATE TABLE quality_overrides (
    report_id text COLLATE "C" PRIMARY KEY REFERENCES quality_reports (id) ON DELETE CASCADE,
    reason text NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_by_name text NOT NULL,
    created_at timestamptz NOT NULL
);
