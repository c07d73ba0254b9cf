using AiPlatform.Contracts.Lineage;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using Dapper;
using Npgsql;

namespace AiPlatform.Operations.Lineage;

/// <summary>What people call the things of the lineage graph.</summary>
internal static class LineageNames
{
    private const string External = """
        SELECT id, project_id, namespace || CASE WHEN name LIKE '/%' THEN '' ELSE '/' END || name || CASE WHEN version = '' THEN '' ELSE '@' || version END AS name
        FROM lineage_external
        """;

    /// <summary>Id, project and name of each kind of thing; a kind that is not here is in no graph.</summary>
    private static readonly Dictionary<string, string> Sources = new(StringComparer.Ordinal)
    {
        [LineageEnd.DatasetVersionKind] = "SELECT v.id, v.project_id, d.name || '@' || v.version AS name FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id",
        [LineageEnd.JobKind] = "SELECT id, project_id, name FROM jobs",
        [LineageEnd.RunKind] = "SELECT id, project_id, name FROM runs",
        [LineageEnd.LoggedModelKind] = "SELECT id, project_id, name FROM logged_models",
        [LineageEnd.ModelVersionKind] = "SELECT v.id, v.project_id, m.name || '/' || v.version AS name FROM model_versions v JOIN models m ON m.id = v.model_id",
        // People are of no project: they are named where they did something, and nobody asks about them here.
        [LineageEnd.UserKind] = "SELECT id, NULL::text AS project_id, user_name AS name FROM users",
        [LineageEnd.ExternalDatasetKind] = External,
        [LineageEnd.ExternalJobKind] = External,
        [LineageEnd.ExternalRunKind] = External,
    };

    /// <summary>Every kind.</summary>
    public static IEnumerable<string> Kinds => Sources.Keys;

    /// <summary>Whether things of this kind are in graphs.</summary>
    public static bool Knows(string kind) => Sources.ContainsKey(kind);

    /// <summary>A thing that the caller reaches, and its project.</summary>
    /// <exception cref="ApiException">404.</exception>
    public static async Task<(LineageNode Node, string ProjectId)> RequireAsync(
        NpgsqlConnection connection, string kind, string id, Caller caller, CancellationToken cancellationToken)
    {
        if (!Sources.TryGetValue(kind, out var source))
        {
            throw ApiException.NotFound(kind, id);
        }

        var row = await connection.QuerySingleOrDefaultAsync<NameRow>(new CommandDefinition(
                $"""
                SELECT n.id, n.name, n.project_id FROM ({source}) n WHERE n.id = @id AND {ProjectAccess.Reaches("n.project_id")}
                """,
                new { id, owner = caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound(kind, id);
        return (new LineageNode(kind, id, row.Name), row.ProjectId!);
    }

    /// <summary>Names things, one statement for each kind among them; what has been removed meanwhile is named by its id.</summary>
    public static async Task<Func<LineageEnd, LineageNode>> ReadAsync(NpgsqlConnection connection, IReadOnlyCollection<LineageEnd> ends, CancellationToken cancellationToken)
    {
        var kinds = ends.GroupBy(static end => end.Kind, static end => end.Id, StringComparer.Ordinal).ToList();
        var nodes = new Dictionary<LineageEnd, LineageNode>(ends.Count);
        foreach (var kind in kinds)
        {
            // By primary key: a union of all kinds would be read whole.
            var rows = await connection.QueryAsync<NameRow>(new CommandDefinition(
                $"SELECT n.id, n.name FROM ({Sources[kind.Key]}) n WHERE n.id = ANY(@ids)", new { ids = kind.ToArray() }, cancellationToken: cancellationToken));
            foreach (var row in rows)
            {
                nodes[new LineageEnd(kind.Key, row.Id)] = new LineageNode(kind.Key, row.Id, row.Name);
            }
        }

        return end => nodes.TryGetValue(end, out var node) ? node : new LineageNode(end.Kind, end.Id, end.Id);
    }

    private sealed class NameRow
    {
        public required string Id { get; init; }

        public required string Name { get; init; }

        public string? ProjectId { get; init; }
    }
}
