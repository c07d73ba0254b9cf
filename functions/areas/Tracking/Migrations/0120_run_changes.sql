-- Which runs have changed, for instances that keep runs in memory: one row for a statement and a run, written by the
-- database itself, so that no writer can forget it. Rows are only added (nobody waits for a lock) and swept after minutes.
-- A reader that remembers the oldest transaction that was running at its last look finds all later changes by xid.
CREATE TABLE run_changes (
    id bigint GENERATED ALWAYS AS IDENTITY,
    experiment_id text COLLATE "C" NOT NULL,
    run_id text COLLATE "C" NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX run_changes_xid ON run_changes (experiment_id, xid);

CREATE FUNCTION note_changed_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_changes (experiment_id, run_id) SELECT experiment_id, id FROM changed;
    RETURN NULL;
END $$;

-- The lookup as a subquery: a join may be planned as a scan of all runs.
CREATE FUNCTION note_runs_of_changed_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_changes (experiment_id, run_id)
    SELECT (SELECT r.experiment_id FROM runs r WHERE r.id = c.run_id), c.run_id FROM (SELECT DISTINCT run_id FROM changed) c;
    RETURN NULL;
END $$;

DO $$
DECLARE
    part text;
BEGIN
    CREATE TRIGGER runs_inserted AFTER INSERT ON runs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_runs();
    CREATE TRIGGER runs_updated AFTER UPDATE ON runs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_runs();
    FOREACH part IN ARRAY ARRAY['run_params', 'run_tags', 'run_inputs', 'run_models', 'run_resumes', 'metric_summaries'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_inserted AFTER INSERT ON %1$s REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_runs_of_changed_rows()', part);
        EXECUTE format('CREATE TRIGGER %1$s_updated AFTER UPDATE ON %1$s REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_runs_of_changed_rows()', part);
        EXECUTE format('CREATE TRIGGER %1$s_deleted AFTER DELETE ON %1$s REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_runs_of_changed_rows()', part);
    END LOOP;
END $$;
