using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;

namespace AiPlatform.Operations.Lineage;

/// <summary>Provenance in PostgreSQL.</summary>
internal sealed class LineageWriter(TimeProvider time) : ILineage
{
    /// <inheritdoc />
    public Task AddAsync(UnitOfWork work, string projectId, IReadOnlyList<LineageStep> steps, DateTimeOffset? at = null)
        => steps.Count == 0 ? Task.CompletedTask : work.ExecuteAsync(
            """
            INSERT INTO lineage_edges (project_id, from_kind, from_id, to_kind, to_id, relation, created_at)
            SELECT @projectId, u.from_kind, u.from_id, u.to_kind, u.to_id, u.relation, @now
            FROM unnest(@fromKinds, @fromIds, @toKinds, @toIds, @relations) AS u (from_kind, from_id, to_kind, to_id, relation)
            ORDER BY u.from_id, u.to_id
            ON CONFLICT DO NOTHING
            """,
            new
            {
                projectId,
                now = at ?? time.GetUtcNow(),
                fromKinds = steps.Select(static step => step.Source.Kind).ToArray(),
                fromIds = steps.Select(static step => step.Source.Id).ToArray(),
                toKinds = steps.Select(static step => step.Target.Kind).ToArray(),
                toIds = steps.Select(static step => step.Target.Id).ToArray(),
                relations = steps.Select(static step => step.Relation).ToArray(),
            });

    /// <inheritdoc />
    public async Task<IReadOnlyList<LineageEnd>> ExternalAsync(UnitOfWork work, string projectId, string kind, IReadOnlyList<ExternalName> names)
    {
        if (names.Count == 0)
        {
            return [];
        }

        var rows = await work.QueryAsync<IdRow>(
            """
            WITH sent AS (
                SELECT u.*, lineage_external_id(@projectId, @kind, u.key_namespace, u.key_name, u.version) AS id
                FROM unnest(@namespaces, @names, @versions, @keyNamespaces, @keyNames) WITH ORDINALITY AS u (namespace, name, version, key_namespace, key_name, position)),
            added AS (
                INSERT INTO lineage_external (id, project_id, kind, namespace, name, version, created_at)
                SELECT DISTINCT ON (id) id, @projectId, @kind, namespace, name, version, @now FROM sent ORDER BY id
                ON CONFLICT DO NOTHING)
            SELECT position, id FROM sent ORDER BY position
            """,
            new
            {
                projectId,
                kind,
                now = time.GetUtcNow(),
                namespaces = names.Select(static name => name.Namespace).ToArray(),
                names = names.Select(static name => name.Name).ToArray(),
                versions = names.Select(static name => name.Version).ToArray(),
                // A run is named by its id alone; the job's names say only how it is shown.
                keyNamespaces = names.Select(name => kind == LineageEnd.ExternalRunKind ? string.Empty : name.Namespace).ToArray(),
                keyNames = names.Select(name => kind == LineageEnd.ExternalRunKind ? string.Empty : name.Name).ToArray(),
            });
        return rows.ConvertAll(row => new LineageEnd(kind, row.Id));
    }

    private sealed class IdRow
    {
        public long Position { get; init; }

        public required string Id { get; init; }
    }
}
