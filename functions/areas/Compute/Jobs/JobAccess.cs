using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Compute.Jobs;

/// <summary>The rule who reaches a job: whoever reaches its project, and its own code. What runs is brought to its end even when its project was deleted.</summary>
internal sealed class JobAccess(Database database) : IReach<JobRow>, IReach<JobRank>
{
    /// <inheritdoc />
    Task<JobRow> IReach<JobRow>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => RequireAsync(path.Text("job"), caller, cancellationToken);

    /// <inheritdoc />
    async Task<JobRank> IReach<JobRank>.RequireAsync(RouteValueDictionary path, Caller caller, CancellationToken cancellationToken)
        => new(await RequireAsync(path.Text("job"), caller, cancellationToken), path.Number("attempt"), path.Number("rank"));

    /// <summary>A live job that the caller reaches.</summary>
    /// <exception cref="ApiException">404 <c>not_found</c>.</exception>
    public async Task<JobRow> RequireAsync(string job, Caller caller, CancellationToken cancellationToken)
    {
        var own = caller.Role == CallerRole.Job && caller.JobId == job;
        if (caller.Role == CallerRole.Job && !own)
        {
            throw ApiException.NotFound("job", job);
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<JobRow>(new CommandDefinition(
                $"""
                SELECT {JobRow.Columns} FROM {JobRow.From}
                WHERE j.id = @job AND j.deleted_at IS NULL AND {ProjectAccess.ReachesToEnd("j.project_id")}
                """,
                new { job, platform = caller.IsPlatform, owner = own ? null : caller.OwnerFilter },
                cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("job", job);
    }

    /// <summary>Locks a job for a change of its state; everything that changes a job or its attempts begins here.</summary>
    /// <exception cref="ApiException">404 <c>not_found</c>.</exception>
    public static async Task<JobRow> LockAsync(UnitOfWork work, string job)
        => await FindLockedAsync(work, job) ?? throw ApiException.NotFound("job", job);

    /// <summary>As <see cref="LockAsync"/>; null when there is no such job.</summary>
    public static Task<JobRow?> FindLockedAsync(UnitOfWork work, string job)
        => work.FindAsync<JobRow>($"SELECT {JobRow.Columns} FROM {JobRow.From} WHERE j.id = @job FOR NO KEY UPDATE OF j", new { job });
}
