using System.Collections.Concurrent;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Tracking;
using Dapper;

namespace AiPlatform.Identity.Projects;

/// <inheritdoc />
internal sealed class ProjectScope(Database database, ProjectAccess access, TimeProvider time) : IProjectScope
{
    private const int MaxEntries = 10_000;
    private const string Oldest = "SELECT id FROM projects WHERE owner_id = @owner AND deleted_at IS NULL ORDER BY id LIMIT 1";
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(string User, string? Name), (string Id, long Until)> _entries = new();

    /// <inheritdoc />
    public async ValueTask<string> ResolveAsync(HttpContext context, Caller caller)
    {
        var key = (caller.UserId, context.Features.Get<NamedProject>()?.Name);
        if (_entries.TryGetValue(key, out var entry) && entry.Until > time.GetTimestamp())
        {
            return entry.Id;
        }

        var id = key.Name is { } name && caller.Role != CallerRole.Job
            ? await access.RequireAsync(name, caller, context.RequestAborted)
            : await OwnAsync(caller, context.RequestAborted);
        if (_entries.Count >= MaxEntries)
        {
            _entries.Clear();
        }

        _entries[key] = (id, time.GetTimestamp() + (long)(Life.TotalSeconds * time.TimestampFrequency));
        return id;
    }

    private async Task<string> OwnAsync(Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        if (caller.RunId is { } run)
        {
            return await connection.ExecuteScalarAsync<string?>(new CommandDefinition(
                    $"SELECT r.project_id FROM {TrackingRelations.Runs} r WHERE r.id = @run", new { run }, cancellationToken: cancellationToken))
                ?? throw ApiException.NotFound("run", run);
        }

        if (await connection.ExecuteScalarAsync<string?>(new CommandDefinition(Oldest, new { owner = caller.UserId }, cancellationToken: cancellationToken)) is { } own)
        {
            return own;
        }

        return caller.IsPlatform
            ? throw MLflowException.Invalid("Name a project in the tracking URI: https://host/p/{project}.")
            : await MakeAsync(caller, cancellationToken);
    }

    // First requests meet: one of them makes the project, the others find it.
    private Task<string> MakeAsync(Caller caller, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var id = Ids.New(time);
                var owner = caller.UserId;
                await work.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended('default project ' || @owner, 0))", new { owner });
                foreach (var name in new[] { $"default-{Slug(caller.Name)}", $"default-{id[^12..]}" })
                {
                    if (await work.FindAsync<string>(Oldest, new { owner }) is { } own)
                    {
                        return own;
                    }

                    // Where somebody has a project of the first name, the second is nobody's.
                    await work.ExecuteAsync(
                        "INSERT INTO projects (id, name, owner_id, created_at, updated_at) VALUES (@id, @name, @owner, @now, @now) ON CONFLICT DO NOTHING",
                        new { id, name, owner, now = time.GetUtcNow() });
                }

                return await work.SingleAsync<string>(Oldest, new { owner });
            },
            cancellationToken);

    private static string Slug(string name) => new([.. name.ToLowerInvariant().Take(50).Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')]);
}
