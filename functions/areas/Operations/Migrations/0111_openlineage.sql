-- OpenLineage: events of other tools as they came, receivers of ours, and what has to be delivered to them.
CREATE TABLE openlineage_events (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    -- A repeat of an event changes nothing.
    digest bytea NOT NULL,
    event_type text,
    event_at timestamptz NOT NULL,
    job_namespace text,
    job_name text,
    run_id text,
    body jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    UNIQUE (project_id, digest)
);
CREATE INDEX openlineage_events_list ON openlineage_events (project_id, id);

CREATE TABLE lineage_receivers (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    name text COLLATE "C" NOT NULL,
    url text NOT NULL,
    -- Encrypted: what is sent as Authorization, and the key of the signature.
    authorization_secret bytea,
    signing_secret bytea NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    -- Deliveries that failed in a row, and when the next one is tried: a receiver that is away is asked once, not once for each event.
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    last_error text,
    delivered_at timestamptz,
    created_by text COLLATE "C",
    created_at timestamptz NOT NULL,
    UNIQUE (project_id, name)
);

-- Written by the transaction that changes the run. Events of a run are delivered in order to each receiver; due_at is the lease of a delivery under way.
CREATE TABLE lineage_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receiver_id text COLLATE "C" NOT NULL REFERENCES lineage_receivers (id) ON DELETE CASCADE,
    run_id text COLLATE "C" NOT NULL,
    event_type text NOT NULL,
    event_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    parked boolean NOT NULL DEFAULT false
);
CREATE INDEX lineage_outbox_due ON lineage_outbox (due_at) WHERE NOT parked;
CREATE INDEX lineage_outbox_receiver ON lineage_outbox (receiver_id, id) WHERE NOT parked;

CREATE FUNCTION lineage_emit_started() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lineage_outbox (receiver_id, run_id, event_type, event_at, due_at)
    SELECT r.id, n.id, 'START', coalesce(n.started_at, n.created_at), now() FROM added n JOIN lineage_receivers r ON r.project_id = n.project_id AND r.enabled
    WHERE n.status = 'running';
    RETURN NULL;
END $$;
CREATE TRIGGER lineage_emit_insert AFTER INSERT ON runs REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION lineage_emit_started();

CREATE FUNCTION lineage_emit_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lineage_outbox (receiver_id, run_id, event_type, event_at, due_at)
    SELECT r.id, NEW.id, CASE NEW.status WHEN 'running' THEN CASE WHEN OLD.started_at IS NULL THEN 'START' ELSE 'RUNNING' END
        WHEN 'finished' THEN 'COMPLETE' WHEN 'failed' THEN 'FAIL' ELSE 'ABORT' END, NEW.updated_at, now()
    FROM lineage_receivers r WHERE r.project_id = NEW.project_id AND r.enabled;
    RETURN NULL;
END $$;
CREATE TRIGGER lineage_emit_update AFTER UPDATE OF status ON runs FOR EACH ROW WHEN (OLD.status <> NEW.status AND NEW.status <> 'scheduled')
    EXECUTE FUNCTION lineage_emit_changed();
