-- An experiment that becomes the default one changes its runs: clients know it as 0 then.
CREATE FUNCTION note_runs_of_default_experiment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_changes (experiment_id, run_id) SELECT experiment_id, id FROM runs WHERE experiment_id = NEW.id AND purged_at IS NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER experiments_became_default AFTER UPDATE OF is_default ON experiments FOR EACH ROW
    WHEN (OLD.is_default <> NEW.is_default) EXECUTE FUNCTION note_runs_of_default_experiment();
