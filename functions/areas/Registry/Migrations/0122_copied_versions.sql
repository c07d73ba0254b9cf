-- Where the files are when the source is another version ("models:/name/version") or a logged model ("models:/id"): what its own
-- location was when this version was made.
ALTER TABLE model_versions ADD COLUMN storage_location text;

-- A copy came from its origin, and only through it from the run that it names too.
CREATE OR REPLACE FUNCTION lineage_of_model_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
    WITH sent AS (
        SELECT n.*, m.id AS origin_model, substring(n.source FROM '^models:/[^/]+/([0-9]{1,9})$')::int AS origin_version
        FROM added n LEFT JOIN models m
            ON m.project_id = n.project_id AND m.deleted_at IS NULL AND m.name = substring(n.source FROM '^models:/([^/]+)/[0-9]{1,9}$'))
    SELECT project_id, 'run', run_id, 'modelVersion', id, 'produced', created_at FROM sent WHERE run_id IS NOT NULL AND origin_model IS NULL
    UNION ALL
    SELECT n.project_id, 'loggedModel', m.id, 'modelVersion', n.id, 'registered', n.created_at
    FROM sent n JOIN logged_models m ON m.id = n.logged_model_id AND m.project_id = n.project_id WHERE n.origin_model IS NULL
    UNION ALL
    SELECT n.project_id, 'modelVersion', v.id, 'modelVersion', n.id, 'copied', n.created_at
    FROM sent n JOIN model_versions v ON v.model_id = n.origin_model AND v.version = n.origin_version AND v.id <> n.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
