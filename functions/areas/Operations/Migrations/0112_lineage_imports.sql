-- A version that was imported came from a URL or a container; what an archive of another version became is linked by the import itself.
CREATE FUNCTION lineage_of_dataset_import() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    space text := coalesce(substring(NEW.source FROM '^[a-z]+://[^/]+'), 'blob');
    path text := coalesce(substring(NEW.source FROM '^[a-z]+://[^/]+(.*)$'), NEW.source);
BEGIN
    IF NEW.request ->> 'archive' IS NULL THEN
        INSERT INTO lineage_external (id, project_id, kind, namespace, name, version, created_at)
        VALUES (lineage_external_id(NEW.project_id, 'externalDataset', space, path, ''), NEW.project_id, 'externalDataset', space, path, '', NEW.created_at)
        ON CONFLICT DO NOTHING;
        INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
        SELECT NEW.project_id, 'externalDataset', lineage_external_id(NEW.project_id, 'externalDataset', space, path, ''), 'datasetVersion', v.id, 'imported', coalesce(NEW.ended_at, now())
        FROM dataset_versions v WHERE v.dataset_id = NEW.dataset_id AND v.version = NEW.version
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER lineage_update AFTER UPDATE OF status ON dataset_imports FOR EACH ROW WHEN (NEW.status = 'succeeded' AND OLD.status <> 'succeeded')
    EXECUTE FUNCTION lineage_of_dataset_import();
