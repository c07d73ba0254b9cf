-- Tasks that recur, the Python packages that tasks run, and counts.
CREATE TABLE queue_schedules (
    id text COLLATE "C" PRIMARY KEY,
    queue_id bigint NOT NULL REFERENCES queues (id),
    name text COLLATE "C" NOT NULL,
    cron text NOT NULL,
    time_zone text NOT NULL,
    -- SubmitTaskRequest.
    task jsonb NOT NULL,
    overlap boolean NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    user_id text COLLATE "C" NOT NULL,
    -- Null: the expression has no further occurrence.
    next_at timestamptz,
    last_at timestamptz,
    last_task_id text COLLATE "C",
    last_error text,
    created_at timestamptz NOT NULL,
    UNIQUE (queue_id, name)
);
CREATE INDEX queue_schedules_due ON queue_schedules (next_at) WHERE NOT paused;

CREATE TABLE task_packages (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    name text COLLATE "C" NOT NULL,
    -- Path → text.
    files jsonb NOT NULL,
    bytes integer NOT NULL,
    created_by text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX task_packages_list ON task_packages (project_id, id);

-- For counts: the states that have no index by queue.
CREATE INDEX queue_tasks_waiting ON queue_tasks (queue_id, status) WHERE status IN ('blocked', 'scheduled');
