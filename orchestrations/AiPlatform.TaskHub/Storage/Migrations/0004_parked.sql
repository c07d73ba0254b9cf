-- Work that was delivered in vain too often and waits for a person. task_id -1: the turn of an orchestrator, or an entity's batch.
CREATE TABLE parked (
    hub int NOT NULL,
    instance_id text COLLATE "C" NOT NULL,
    task_id int NOT NULL,
    reason text NOT NULL,
    parked_at timestamptz NOT NULL,
    PRIMARY KEY (hub, instance_id, task_id)
);
