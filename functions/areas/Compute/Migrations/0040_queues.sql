-- Task queues. PostgreSQL holds every task and decides the order; the broker carries only the few that are released.
CREATE TABLE queues (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    pool text COLLATE "C" NOT NULL,
    state text NOT NULL DEFAULT 'active',
    weight double precision NOT NULL DEFAULT 1,
    max_running integer,
    user_weights jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (project_id, pool)
);

-- A line of tasks that differ only in age: fair order is decided between the heads of these lines.
CREATE TABLE queue_flows (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue_id bigint NOT NULL REFERENCES queues (id),
    lane text NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    -- 0 critical, 1 high, 2 normal, 3 low: smaller goes first.
    priority smallint NOT NULL,
    -- Tasks released or running; changes in the transaction that changes the tasks.
    active integer NOT NULL DEFAULT 0,
    UNIQUE (queue_id, lane, user_id, priority)
) WITH (fillfactor = 50);

-- Start-time fair queueing. finish: the virtual time at which the last service of this project or user ends.
-- clock: the virtual time among those below it. project_id '' is the pool's lane itself, user_id '' the project.
CREATE TABLE queue_shares (
    pool text COLLATE "C" NOT NULL,
    lane text NOT NULL,
    project_id text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    finish double precision NOT NULL,
    clock double precision NOT NULL,
    PRIMARY KEY (pool, lane, project_id, user_id)
) WITH (fillfactor = 50);

CREATE TABLE queue_workers (
    id text COLLATE "C" PRIMARY KEY,
    pool text NOT NULL,
    lane text NOT NULL,
    slots integer NOT NULL,
    last_seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- No foreign keys to queue and flow: their share locks would meet the counter updates of every dispatch.
CREATE TABLE queue_tasks (
    id text COLLATE "C" PRIMARY KEY,
    queue_id bigint NOT NULL,
    flow_id bigint NOT NULL,
    name text,
    handler text NOT NULL,
    payload jsonb,
    status text NOT NULL,
    -- Numbers the releases: what belongs to an earlier release is refused.
    fence integer NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    -- TaskRetry; null for the defaults.
    retry jsonb,
    timeout_seconds integer NOT NULL,
    -- When it may run, then since when it could: the order within a flow.
    ready_at timestamptz NOT NULL,
    deadline_at timestamptz,
    lease_until timestamptz,
    worker_id text COLLATE "C",
    concurrency_key text COLLATE "C",
    concurrency_limit integer,
    deduplication_key text COLLATE "C",
    dependency_mode text,
    has_dependents boolean NOT NULL DEFAULT false,
    -- It has ended, and those that depend on it have not been looked at.
    unsettled boolean NOT NULL DEFAULT false,
    parent_id text COLLATE "C",
    cancel_requested boolean NOT NULL DEFAULT false,
    progress double precision,
    result jsonb,
    error_kind text,
    reason text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_threshold = 10000);
CREATE INDEX queue_tasks_list ON queue_tasks (queue_id, id);
CREATE INDEX queue_tasks_ready ON queue_tasks (flow_id, ready_at, id) WHERE status = 'ready';
CREATE INDEX queue_tasks_scheduled ON queue_tasks (ready_at) WHERE status = 'scheduled';
CREATE INDEX queue_tasks_leased ON queue_tasks (lease_until) WHERE status IN ('queued', 'running');
CREATE INDEX queue_tasks_limited ON queue_tasks (queue_id, concurrency_key, ready_at) WHERE status = 'limited';
CREATE INDEX queue_tasks_concurrent ON queue_tasks (queue_id, concurrency_key) WHERE concurrency_key IS NOT NULL AND status IN ('queued', 'running');
CREATE UNIQUE INDEX queue_tasks_deduplication ON queue_tasks (queue_id, deduplication_key)
    WHERE deduplication_key IS NOT NULL AND status IN ('blocked', 'scheduled', 'limited', 'ready', 'queued', 'running');
CREATE INDEX queue_tasks_deadline ON queue_tasks (deadline_at)
    WHERE deadline_at IS NOT NULL AND status IN ('blocked', 'scheduled', 'limited', 'ready', 'queued', 'running');
CREATE INDEX queue_tasks_dead ON queue_tasks (queue_id, id) WHERE status = 'deadLettered';
CREATE INDEX queue_tasks_unsettled ON queue_tasks (id) WHERE unsettled;
CREATE INDEX queue_tasks_parent ON queue_tasks (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE queue_task_dependencies (
    task_id text COLLATE "C" NOT NULL REFERENCES queue_tasks (id) ON DELETE CASCADE,
    depends_on text COLLATE "C" NOT NULL REFERENCES queue_tasks (id) ON DELETE CASCADE,
    PRIMARY KEY (task_id, depends_on)
);
CREATE INDEX queue_task_dependencies_dependents ON queue_task_dependencies (depends_on);
