-- Things that the platform knows by name only: datasets, jobs and runs of other tools (by OpenLineage's namespace and name), and inputs
-- that MLflow clients log. The id is the hash of what names the thing, so that whoever names it writes the same row.
CREATE TABLE lineage_external (
    id text COLLATE "C" PRIMARY KEY,
    project_id text COLLATE "C" NOT NULL REFERENCES projects (id),
    kind text NOT NULL CHECK (kind IN ('externalDataset', 'externalJob', 'externalRun')),
    namespace text NOT NULL,
    name text NOT NULL,
    -- A dataset's version or digest where it is part of its name, a run's id; else empty.
    version text NOT NULL,
    -- The newest facets of a dataset, by their names.
    facets jsonb NOT NULL DEFAULT '{}',
    facets_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX lineage_external_list ON lineage_external (project_id, kind, namespace, name, version);

CREATE FUNCTION lineage_external_id(project text, kind text, namespace text, name text, version text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN md5(project || E'\x1f' || kind || E'\x1f' || namespace || E'\x1f' || name || E'\x1f' || version);

-- Upstream steps are read by target, with everything that a traversal needs.
DROP INDEX lineage_edges_up;
CREATE INDEX lineage_edges_up ON lineage_edges (to_id) INCLUDE (project_id, to_kind, from_kind, from_id, relation, created_at);
CREATE INDEX lineage_edges_down ON lineage_edges (from_id) INCLUDE (project_id, from_kind, to_kind, to_id, relation, created_at);

-- Edges of what several features write are written by the tables themselves, so that no path into a table can forget them.
CREATE FUNCTION lineage_of_dataset_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
    SELECT NEW.project_id, 'user', u.id, 'datasetVersion', NEW.id, 'uploaded', coalesce(NEW.committed_at, NEW.created_at) FROM users u WHERE u.id = NEW.created_by
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER lineage_insert AFTER INSERT ON dataset_versions FOR EACH ROW WHEN (NEW.status = 'ready') EXECUTE FUNCTION lineage_of_dataset_version();
CREATE TRIGGER lineage_update AFTER UPDATE OF status ON dataset_versions FOR EACH ROW WHEN (NEW.status = 'ready' AND OLD.status <> 'ready')
    EXECUTE FUNCTION lineage_of_dataset_version();

CREATE FUNCTION lineage_of_run_inputs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lineage_external (id, project_id, kind, namespace, name, version, created_at)
    SELECT DISTINCT ON (1) lineage_external_id(r.project_id, 'externalDataset', 'mlflow:' || n.source_type, n.name, n.digest), r.project_id, 'externalDataset',
        'mlflow:' || n.source_type, n.name, n.digest, n.created_at
    FROM added n JOIN runs r ON r.id = n.run_id ORDER BY 1
    ON CONFLICT DO NOTHING;
    INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
    SELECT r.project_id, 'externalDataset', lineage_external_id(r.project_id, 'externalDataset', 'mlflow:' || n.source_type, n.name, n.digest), 'run', n.run_id, 'input', n.created_at
    FROM added n JOIN runs r ON r.id = n.run_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER lineage_insert AFTER INSERT ON run_inputs REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION lineage_of_run_inputs();

-- A model may be named by a run before it is there, so both tables write: whichever comes second finds the other.
CREATE FUNCTION lineage_of_run_models() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
    SELECT r.project_id, CASE n.direction WHEN 'input' THEN 'loggedModel' ELSE 'run' END, CASE n.direction WHEN 'input' THEN n.model_id ELSE n.run_id END,
        CASE n.direction WHEN 'input' THEN 'run' ELSE 'loggedModel' END, CASE n.direction WHEN 'input' THEN n.run_id ELSE n.model_id END,
        CASE n.direction WHEN 'input' THEN 'input' ELSE 'produced' END, now()
    FROM added n JOIN runs r ON r.id = n.run_id JOIN logged_models m ON m.id = n.model_id AND m.project_id = r.project_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER lineage_insert AFTER INSERT ON run_models REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION lineage_of_run_models();

CREATE FUNCTION lineage_of_logged_models() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
    SELECT project_id, 'run', run_id, 'loggedModel', id, 'produced', created_at FROM added WHERE run_id IS NOT NULL
    UNION ALL
    SELECT n.project_id, CASE m.direction WHEN 'input' THEN 'loggedModel' ELSE 'run' END, CASE m.direction WHEN 'input' THEN n.id ELSE m.run_id END,
        CASE m.direction WHEN 'input' THEN 'run' ELSE 'loggedModel' END, CASE m.direction WHEN 'input' THEN m.run_id ELSE n.id END,
        CASE m.direction WHEN 'input' THEN 'input' ELSE 'produced' END, n.created_at
    FROM added n JOIN run_models m ON m.model_id = n.id JOIN runs r ON r.id = m.run_id AND r.project_id = n.project_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE INDEX run_models_model ON run_models (model_id);
CREATE TRIGGER lineage_insert AFTER INSERT ON logged_models REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION lineage_of_logged_models();

CREATE FUNCTION lineage_of_model_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
    SELECT project_id, 'run', run_id, 'modelVersion', id, 'produced', created_at FROM added WHERE run_id IS NOT NULL
    UNION ALL
    SELECT n.project_id, 'loggedModel', m.id, 'modelVersion', n.id, 'registered', n.created_at
    FROM added n JOIN logged_models m ON m.id = n.logged_model_id AND m.project_id = n.project_id
    UNION ALL
    -- A copy of another version: MLflow's "models:/name/version".
    SELECT n.project_id, 'modelVersion', v.id, 'modelVersion', n.id, 'copied', n.created_at
    FROM added n JOIN models m ON m.project_id = n.project_id AND m.deleted_at IS NULL AND m.name = substring(n.source FROM '^models:/([^/]+)/[0-9]{1,9}$')
    JOIN model_versions v ON v.model_id = m.id AND v.version = substring(n.source FROM '^models:/[^/]+/([0-9]{1,9})$')::int AND v.id <> n.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER lineage_insert AFTER INSERT ON model_versions REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION lineage_of_model_versions();

-- What was there before.
INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
SELECT v.project_id, 'user', u.id, 'datasetVersion', v.id, 'uploaded', coalesce(v.committed_at, v.created_at)
FROM dataset_versions v JOIN users u ON u.id = v.created_by WHERE v.status = 'ready' ON CONFLICT DO NOTHING;
INSERT INTO lineage_external (id, project_id, kind, namespace, name, version, created_at)
SELECT DISTINCT ON (1) lineage_external_id(r.project_id, 'externalDataset', 'mlflow:' || n.source_type, n.name, n.digest), r.project_id, 'externalDataset',
    'mlflow:' || n.source_type, n.name, n.digest, n.created_at
FROM run_inputs n JOIN runs r ON r.id = n.run_id ORDER BY 1 ON CONFLICT DO NOTHING;
INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
SELECT r.project_id, 'externalDataset', lineage_external_id(r.project_id, 'externalDataset', 'mlflow:' || n.source_type, n.name, n.digest), 'run', n.run_id, 'input', n.created_at
FROM run_inputs n JOIN runs r ON r.id = n.run_id ON CONFLICT DO NOTHING;
INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
SELECT project_id, 'run', run_id, 'loggedModel', id, 'produced', created_at FROM logged_models WHERE run_id IS NOT NULL ON CONFLICT DO NOTHING;
INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
SELECT project_id, 'run', run_id, 'modelVersion', id, 'produced', created_at FROM model_versions WHERE run_id IS NOT NULL ON CONFLICT DO NOTHING;
