-- One row: which process owns the hub, and how often ownership has changed hands. The owner also holds an advisory lock
-- on its writing connection, so that the lock ends with the connection and the epoch tells whether somebody came between.
CREATE TABLE hub_owner (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch bigint NOT NULL,
    owner text NOT NULL,
    acquired_at timestamptz NOT NULL
);
INSERT INTO hub_owner (epoch, owner, acquired_at) VALUES (0, '', now());

CREATE TABLE task_hubs (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- What clients query. No index on status or state: updates stay in the page (HOT).
CREATE TABLE instances (
    key bigint PRIMARY KEY,
    hub int NOT NULL REFERENCES task_hubs (id),
    instance_id text COLLATE "C" NOT NULL,
    status smallint NOT NULL,
    created_at timestamptz NOT NULL,
    completed_at timestamptz,
    parent_key bigint,
    input bytea,
    state bytea NOT NULL,
    UNIQUE (hub, instance_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX instances_parent ON instances (parent_key) WHERE parent_key IS NOT NULL;

-- Append-only: everything that happened to an instance. kind 0: an event that arrived; 1: a turn of the orchestrator, which
-- consumed the next events that had arrived; 2: the start of an execution. State is the fold of these rows in the order of seq.
CREATE TABLE log (
    instance_key bigint NOT NULL,
    seq bigint NOT NULL,
    kind smallint NOT NULL,
    consumed int NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (instance_key, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
