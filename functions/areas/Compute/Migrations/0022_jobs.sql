CREATE TABLE jobs (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    run_id text COLLATE "C" NOT NULL REFERENCES runs (id),
    name text NOT NULL,
    status text NOT NULL,
    status_reason text,
    -- 0 critical, 1 high, 2 normal, 3 low: smaller goes first.
    priority smallint NOT NULL,
    pool text NOT NULL,
    -- The job as submitted (JobSpec).
    spec jsonb NOT NULL,
    nodes integer NOT NULL,
    gpus_per_node integer NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    cancel_reason text,
    -- The orchestration last asked for capacity at this time; others do not wait behind a job that no longer asks.
    admission_asked_at timestamptz,
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    deleted_at timestamptz
);
CREATE INDEX jobs_list ON jobs (project_id, id) WHERE deleted_at IS NULL;
CREATE INDEX jobs_admission ON jobs (pool, priority, id) WHERE status IN ('pending', 'waiting', 'retrying');

CREATE TABLE job_dependencies (
    job_id text COLLATE "C" NOT NULL REFERENCES jobs (id),
    depends_on text COLLATE "C" NOT NULL REFERENCES jobs (id),
    PRIMARY KEY (job_id, depends_on)
);
CREATE INDEX job_dependencies_dependents ON job_dependencies (depends_on);

CREATE TABLE job_datasets (
    job_id text COLLATE "C" NOT NULL REFERENCES jobs (id),
    name text NOT NULL,
    version_id text COLLATE "C" NOT NULL REFERENCES dataset_versions (id),
    PRIMARY KEY (job_id, name)
);
CREATE INDEX job_datasets_version ON job_datasets (version_id);

CREATE TABLE job_attempts (
    job_id text COLLATE "C" NOT NULL REFERENCES jobs (id),
    attempt integer NOT NULL,
    status text NOT NULL,
    reason text,
    -- The step of the checkpoint that it went on from.
    resume_step bigint,
    -- The checkpoint that every node of this attempt is given: fixed at admission, so that a gang agrees.
    checkpoint_path text,
    checkpoint_sha256 bytea,
    admitted_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    master_host text,
    master_port integer,
    PRIMARY KEY (job_id, attempt)
);

CREATE TABLE runners (
    id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    pool text NOT NULL,
    session_id text NOT NULL,
    host text NOT NULL,
    status text NOT NULL,
    slots integer NOT NULL,
    gpus integer NOT NULL,
    draining boolean NOT NULL DEFAULT false,
    version text,
    -- Device[] as registered; the newest samples are in runner_samples.
    devices jsonb NOT NULL,
    registered_at timestamptz NOT NULL,
    last_heartbeat_at timestamptz NOT NULL
);
CREATE INDEX runners_pool ON runners (pool, id);
CREATE INDEX runners_heartbeat ON runners (last_heartbeat_at) WHERE status <> 'offline';

-- The newest sample of each device; rewritten by every heartbeat, so kept apart from the wide runner row.
CREATE TABLE runner_samples (
    runner_id text COLLATE "C" PRIMARY KEY REFERENCES runners (id),
    samples jsonb NOT NULL,
    at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- One node of one attempt. The row exists from admission: until the node ends it holds one slot and its GPUs.
CREATE TABLE job_nodes (
    job_id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    node integer NOT NULL,
    pool text NOT NULL,
    gpus integer NOT NULL,
    status text NOT NULL,
    runner_id text COLLATE "C" REFERENCES runners (id),
    session_id text,
    host text,
    claimed_at timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    exit_code integer,
    reason text,
    PRIMARY KEY (job_id, attempt, node),
    FOREIGN KEY (job_id, attempt) REFERENCES job_attempts (job_id, attempt)
);
CREATE INDEX job_nodes_held ON job_nodes (pool) WHERE ended_at IS NULL;
CREATE INDEX job_nodes_runner ON job_nodes (runner_id) WHERE ended_at IS NULL;

-- Events that were taken in; the key makes a repeated delivery a no-op.
CREATE TABLE job_events (
    event_id text COLLATE "C" PRIMARY KEY,
    job_id text COLLATE "C" NOT NULL,
    attempt integer NOT NULL,
    node integer NOT NULL,
    kind text NOT NULL,
    exit_code integer,
    reason text,
    runner_id text COLLATE "C",
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL
);
CREATE INDEX job_events_job ON job_events (job_id, received_at);

-- When the platform itself looked for silent runners: silence counts only while somebody listened.
CREATE TABLE runner_watch (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_look_at timestamptz NOT NULL,
    listening_since timestamptz NOT NULL
);
