using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Access;

/// <summary>Finds who owns a thing, for what addresses things of several kinds: event topics, orchestration instances.</summary>
public sealed class ResourceOwners(Database database)
{
    private static readonly Dictionary<string, string> Queries = new(StringComparer.Ordinal)
    {
        ["project"] = "SELECT owner_id FROM projects WHERE id = @id AND deleted_at IS NULL",
        ["job"] = "SELECT p.owner_id FROM jobs j JOIN projects p ON p.id = j.project_id WHERE j.id = @id AND p.deleted_at IS NULL",
        ["instance"] = """
            SELECT p.owner_id FROM (
                SELECT project_id FROM jobs WHERE id = @id UNION ALL SELECT project_id FROM dataset_imports WHERE id = @id
                UNION ALL SELECT project_id FROM quality_reports WHERE id = @id) i JOIN projects p ON p.id = i.project_id
            WHERE p.deleted_at IS NULL
            """,
        ["run"] = "SELECT p.owner_id FROM runs r JOIN projects p ON p.id = r.project_id WHERE r.id = @id AND p.deleted_at IS NULL",
    };

    /// <summary>Whether things of this kind have owners.</summary>
    public static bool Knows(string kind) => kind != "instance" && Queries.ContainsKey(kind);

    /// <summary>404 unless the thing exists and the caller reaches it.</summary>
    public async Task RequireAsync(string kind, string id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var owner = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(Queries[kind], new { id }, cancellationToken: cancellationToken));
        if (owner is null || !(caller.CanReach(owner) || IsOwn(caller, kind, id)))
        {
            throw ApiException.NotFound(kind, id);
        }
    }

    private static bool IsOwn(Caller caller, string kind, string id)
        => caller.Role == CallerRole.Job && (kind is "job" or "instance" ? caller.JobId == id : kind == "run" && caller.RunId == id);
}
