using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Tracking;
using Dapper;

namespace AiPlatform.Tracking.Runs;

/// <summary>The rule who reaches a run: whoever reaches its project, and the job that it belongs to. Runners bring what their jobs left behind.</summary>
internal sealed class RunAccess(Database database) : IReach<RunRow>, IRunAccess
{
    /// <summary>A live run that the caller reaches.</summary>
    /// <exception cref="ApiException">404 <c>not_found</c>.</exception>
    public async Task<RunRow> RequireAsync(string run, Caller caller, CancellationToken cancellationToken, bool deleted = false)
    {
        if (caller.Role == CallerRole.Job && !caller.IsJobOf(run))
        {
            throw ApiException.NotFound("run", run);
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<RunRow>(new CommandDefinition(
                $"""
                SELECT {RunRow.Columns} FROM runs r
                WHERE r.id = @run AND (@deleted OR r.deleted_at IS NULL) AND r.purged_at IS NULL AND {ProjectAccess.ReachesToEnd("r.project_id")}
                """,
                new { run, deleted, platform = caller.IsPlatform, owner = caller.Role == CallerRole.Job ? null : caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("run", run);
    }

    /// <inheritdoc />
    Task<RunRow> IReach<RunRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => RequireAsync(path.Text("run"), caller, cancellationToken);

    /// <inheritdoc />
    async Task<RunReference> IRunAccess.RequireAsync(string run, Caller caller, CancellationToken cancellationToken)
    {
        var row = await RequireAsync(run, caller, cancellationToken);
        return new RunReference(row.Id, row.ProjectId, row.JobId);
    }
}
