-- Instances and entities belong to partitions, by the first byte of the SHA-256 of their id; processes own partitions. An owner
-- holds the partition's advisory lock on its writing connection. The epoch counts how often a partition has changed hands.
CREATE TABLE partitions (
    id smallint PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 0,
    owner text
);
INSERT INTO partitions (id) SELECT generate_series(0, 15);

-- Processes that live, and where they are reached.
CREATE TABLE hub_processes (
    id text PRIMARY KEY,
    address text NOT NULL,
    seen_at timestamptz NOT NULL,
    -- The last group of commits that had messages: tells after a lost answer whether it was committed.
    last_group bigint NOT NULL DEFAULT 0
);

ALTER TABLE instances ADD COLUMN partition smallint NOT NULL DEFAULT 0;
UPDATE instances SET partition = get_byte(sha256(convert_to(instance_id, 'UTF8')), 0) % 16;
ALTER TABLE entity_inbox ADD COLUMN partition smallint NOT NULL DEFAULT 0;
UPDATE entity_inbox SET partition = get_byte(sha256(convert_to(entity_id, 'UTF8')), 0) % 16;

-- Messages to instances and entities of another process (payload: HistoryEvent), written with what caused them and removed with
-- what they cause. Their ids are in the order of each sender.
CREATE TABLE messages (
    id bigint PRIMARY KEY,
    partition smallint NOT NULL,
    hub int NOT NULL,
    target text COLLATE "C" NOT NULL,
    execution_id text,
    sender_key bigint,
    payload bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX messages_partition ON messages (partition, id);
