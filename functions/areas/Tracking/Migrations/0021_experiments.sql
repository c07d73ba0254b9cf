CREATE TABLE experiments (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    name text NOT NULL,
    description text,
    tags jsonb NOT NULL DEFAULT '{}',
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE UNIQUE INDEX experiments_name ON experiments (project_id, lower(name)) WHERE deleted_at IS NULL;
CREATE INDEX experiments_list ON experiments (project_id, id) WHERE deleted_at IS NULL;

CREATE TABLE runs (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    experiment_id text COLLATE "C" NOT NULL REFERENCES experiments (id),
    job_id text COLLATE "C",
    name text NOT NULL,
    status text NOT NULL,
    status_reason text,
    description text,
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    deleted_at timestamptz
);
CREATE INDEX runs_list ON runs (project_id, id) WHERE deleted_at IS NULL;
CREATE INDEX runs_experiment ON runs (experiment_id, id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX runs_job ON runs (job_id) WHERE job_id IS NOT NULL;

CREATE TABLE run_params (
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (run_id, key)
);

CREATE TABLE run_tags (
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    key text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (run_id, key)
);

-- One row per point. The primary key makes every delivery after the first a no-op.
-- No foreign key to runs: the writer holds a share lock on the run while it inserts.
CREATE TABLE metric_points (
    run_id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    source text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    key text COLLATE "C" NOT NULL,
    step bigint NOT NULL,
    value double precision NOT NULL,
    at timestamptz NOT NULL,
    -- A later attempt resumed before this step: kept, but outside the default view.
    superseded boolean NOT NULL,
    PRIMARY KEY (run_id, attempt, source, sequence)
);
CREATE INDEX metric_points_series ON metric_points (run_id, key, step, attempt, source, sequence) INCLUDE (value, at, superseded);

-- Latest, smallest and largest value of each series of the default view. NaN counts only as latest.
CREATE TABLE metric_summaries (
    run_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    last_step bigint NOT NULL,
    last_at timestamptz NOT NULL,
    last_value double precision NOT NULL,
    min_value double precision,
    max_value double precision,
    points bigint NOT NULL,
    PRIMARY KEY (run_id, key)
);

-- What each source has sent: the writer keeps it in step with the points.
CREATE TABLE metric_sources (
    run_id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    source text COLLATE "C" NOT NULL,
    points bigint NOT NULL,
    -- The first sequence that is missing, and the largest that is there.
    next_sequence bigint NOT NULL,
    max_sequence bigint NOT NULL,
    PRIMARY KEY (run_id, attempt, source)
);

-- Attempt N goes on from this step: points of earlier attempts with a larger step are superseded.
CREATE TABLE run_resumes (
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    attempt integer NOT NULL,
    step bigint NOT NULL,
    -- False: no resume was reported; the attempt's first points showed that it began anew.
    explicit boolean NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (run_id, attempt)
);

CREATE TABLE artifacts (
    id text COLLATE "C" PRIMARY KEY,
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    path text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('file', 'checkpoint', 'model')),
    size_bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    step bigint,
    attempt integer,
    metrics jsonb,
    created_at timestamptz NOT NULL,
    UNIQUE (run_id, path)
);
CREATE INDEX artifacts_checkpoints ON artifacts (run_id, step DESC) WHERE kind = 'checkpoint';
