using AiPlatform.Functions.Infrastructure;

namespace AiPlatform.Functions.Features.Lineage;

/// <summary>
/// Writes provenance in the transaction that makes it true. What tables say by themselves (uploads, runs' inputs and outputs, registered
/// models, imports) is written by triggers of migrations 0110 and 0112; this is for what only code knows, such as what a version was derived from.
/// </summary>
internal sealed class LineageWriter(TimeProvider time)
{
    /// <summary>Records that <paramref name="target"/> came from <paramref name="source"/>; repeating it changes nothing.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="projectId">The project of both ends.</param>
    /// <param name="source">What was there before.</param>
    /// <param name="target">What came from it.</param>
    /// <param name="relation"><c>input</c>, <c>produced</c>, <c>imported</c>, …</param>
    /// <param name="at">When it became true; now when absent.</param>
    public Task AddAsync(UnitOfWork work, string projectId, LineageEnd source, LineageEnd target, string relation, DateTimeOffset? at = null)
        => AddAsync(work, projectId, [new LineageStep(source, target, relation)], at);

    /// <summary>As the other overload, for many at once.</summary>
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

    /// <summary>A dataset outside of the platform, such as the URL or container that an import reads; it is noted when it is new.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="projectId">The project that names it.</param>
    /// <param name="dataset">Its names: OpenLineage's conventions, such as <c>https://host</c> and <c>/path</c>.</param>
    public async Task<LineageEnd> ExternalDatasetAsync(UnitOfWork work, string projectId, ExternalName dataset)
        => (await ExternalAsync(work, projectId, LineageEnd.ExternalDatasetKind, [dataset]))[0];

    /// <summary>Things outside of the platform in the order of their names; new ones are noted.</summary>
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

/// <summary>One step of provenance.</summary>
internal readonly record struct LineageStep(LineageEnd Source, LineageEnd Target, string Relation);

/// <summary>What names a thing outside of the platform.</summary>
/// <param name="Namespace">Where it is, such as <c>postgres://host:5432</c>.</param>
/// <param name="Name">What it is called there.</param>
/// <param name="Version">A digest or version where that is part of the name; of a run its id.</param>
internal readonly record struct ExternalName(string Namespace, string Name, string Version = "");
