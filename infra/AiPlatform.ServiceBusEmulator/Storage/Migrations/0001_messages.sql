CREATE TABLE broker (epoch bigint NOT NULL, next_id bigint NOT NULL);
INSERT INTO broker VALUES (0, 1);
CREATE TABLE queue (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE);
CREATE TABLE message (
    id bigint PRIMARY KEY,
    enqueued_id bigint NOT NULL,
    queue_id int NOT NULL,
    part smallint NOT NULL,
    state smallint NOT NULL,
    enqueued_at timestamptz NOT NULL,
    visible_at timestamptz,
    expires_at timestamptz,
    delivery_count int NOT NULL,
    annotations bytea,
    payload bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, autovacuum_vacuum_insert_scale_factor = 1);
ALTER TABLE message ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX message_order ON message (queue_id, part, id);
CREATE INDEX message_scheduled ON message (visible_at) WHERE state = 2;
