-- Which rows name which payloads in Blob storage. owner: 'i:' and the key of an instance, with the seq and kind of its log's row;
-- 'm:' and the number of a message; 's:', the hub and the id of an entity. A blob that nobody names is removed by the hub.
CREATE TABLE payload_refs (
    owner text COLLATE "C" NOT NULL,
    blob text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    kind smallint NOT NULL,
    PRIMARY KEY (owner, seq, blob)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX payload_refs_blob ON payload_refs (blob);
