-- The state of entities. An entity without state is transient: it has no value, but may be locked or have had one.
CREATE TABLE entities (
    hub int NOT NULL REFERENCES task_hubs (id),
    entity_id text COLLATE "C" NOT NULL,
    modified_at timestamptz NOT NULL,
    locked_by text,
    lock_section text,
    state bytea,
    PRIMARY KEY (hub, entity_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

-- What waits for an entity: operations, lock requests and unlocks (payload: HistoryEvent), in the order of seq.
CREATE TABLE entity_inbox (
    hub int NOT NULL,
    entity_id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (hub, entity_id, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
