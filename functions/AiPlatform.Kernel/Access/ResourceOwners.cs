using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Access;

/// <summary>Finds who owns a thing, for what addresses things of several kinds: event topics, orchestration instances.</summary>
public sealed class ResourceOwners
{
    /// <summary>Whatever an orchestration of this id carries.</summary>
    public const string Instance = "instance";

    private const string Project = "project";

    private readonly Database _database;
    private readonly Dictionary<string, string> _queries;
    private readonly HashSet<string> _topics;

    /// <summary>Knows the kinds that the areas have registered, and projects.</summary>
    public ResourceOwners(Database database, IEnumerable<OwnedKind> kinds)
    {
        var all = kinds.ToList();
        _database = database;
        _topics = [Project, .. all.Where(static kind => kind.HasEvents).Select(static kind => kind.Kind)];
        _queries = all.ToDictionary(static kind => kind.Kind, static kind => Owner($"SELECT project_id FROM {kind.Table} WHERE id = @id"), StringComparer.Ordinal);
        _queries[Project] = $"SELECT p.owner_id FROM {ProjectAccess.Owners} p WHERE p.id = @id";
        _queries[Instance] = Owner(string.Join(
            " UNION ALL ", all.Where(static kind => kind.IsInstance).Select(static kind => $"SELECT project_id FROM {kind.Table} WHERE id = @id")));
    }

    /// <summary>Whether live events about things of this kind can be listened to.</summary>
    public bool HasEvents(string kind) => _topics.Contains(kind);

    /// <summary>404 unless the thing exists and the caller reaches it.</summary>
    public async Task RequireAsync(string kind, string id, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken);
        var owner = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(_queries[kind], new { id }, cancellationToken: cancellationToken));
        if (owner is null || !(caller.CanReach(owner) || IsOwn(caller, kind, id)))
        {
            throw ApiException.NotFound(kind, id);
        }
    }

    private static string Owner(string projects) => $"SELECT p.owner_id FROM ({projects}) t JOIN {ProjectAccess.Owners} p ON p.id = t.project_id";

    private static bool IsOwn(Caller caller, string kind, string id)
        => caller.Role == CallerRole.Job && (kind is "job" or Instance ? caller.JobId == id : kind == "run" && caller.RunId == id);
}
