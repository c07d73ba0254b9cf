-- Metric points as append-only log rows, later compressed chunks. A point is written once into the log by group commit, is
-- folded once into the summary of its series, and moves once into a chunk of its series. Instances that still write
-- metric_points fail after this script, and their clients send the points again: none is lost out of sight.
CREATE TABLE metric_log (
    run_id text COLLATE "C" NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    -- Twice the attempt, plus one for points that a source numbered. Equal points of an even lane are one point.
    lane integer NOT NULL,
    points integer NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (run_id, id)
) WITH (toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE metric_log ALTER COLUMN payload SET STORAGE EXTERNAL;

-- Log rows that are not in the summaries yet. Short-lived: a row for a fraction of a second.
CREATE TABLE metric_fresh (
    run_id text COLLATE "C" NOT NULL,
    log_id bigint NOT NULL,
    PRIMARY KEY (run_id, log_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Points of one series in the order of (step, lane, time). min and max do not count NaN.
CREATE TABLE metric_chunks (
    run_id text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    first_step bigint NOT NULL,
    last_step bigint NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    lanes integer[] NOT NULL,
    points integer NOT NULL,
    min_value double precision,
    max_value double precision,
    last_value double precision NOT NULL,
    payload bytea NOT NULL,
    PRIMARY KEY (run_id, key, id)
);
ALTER TABLE metric_chunks ALTER COLUMN payload SET STORAGE EXTERNAL;

-- What each source has sent, exactly: the sequences as ranges.
ALTER TABLE metric_sources ADD COLUMN received int8multirange NOT NULL DEFAULT '{}';
UPDATE metric_sources s SET received = p.received
FROM (SELECT run_id, attempt, source, range_agg(int8range(sequence, sequence + 1)) AS received FROM metric_points GROUP BY run_id, attempt, source) p
WHERE p.run_id = s.run_id AND p.attempt = s.attempt AND p.source = s.source;
ALTER TABLE metric_sources DROP COLUMN points, DROP COLUMN next_sequence, DROP COLUMN max_sequence;

-- Points written before: format 0 of the payload, one series per row: key, then (step, microseconds since 1970, value).
INSERT INTO metric_log (run_id, lane, points, payload)
SELECT run_id, attempt * 2 + 1, count(*),
       '\x00'::bytea || int2send(octet_length(convert_to(key, 'UTF8'))::smallint) || convert_to(key, 'UTF8')
       || string_agg(int8send(step) || int8send((extract(epoch FROM at) * 1000000)::bigint) || float8send(value), ''::bytea ORDER BY step, at, source, sequence)
FROM (SELECT *, (row_number() OVER (PARTITION BY run_id, attempt, key ORDER BY step, at, source, sequence) - 1) / 1000 AS part FROM metric_points) p
GROUP BY run_id, attempt, key, part;

-- What waits in the log of each run for compaction.
CREATE TABLE metric_pending (
    run_id text COLLATE "C" PRIMARY KEY,
    log_rows integer NOT NULL,
    log_points bigint NOT NULL,
    touched_at timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO metric_pending (run_id, log_rows, log_points, touched_at)
SELECT run_id, count(*), sum(points), now() FROM metric_log GROUP BY run_id;

DROP TABLE metric_points;
