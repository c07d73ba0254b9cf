using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Search.Index;
using Dapper;

namespace AiPlatform.Tracking.Runs;

/// <summary>Changes of runs by their clients. Who may, and what may be said, the caller has checked.</summary>
internal sealed class RunEditor(Database database, EventStream events, TimeProvider time)
{
    /// <summary>Changes what is given. A status that is final ends the run, at <paramref name="end"/> or now; one that is not opens it again.</summary>
    public Task UpdateAsync(string id, string? status, string? name, DateTimeOffset? end, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await work.ExecuteAsync(
                    """
                    UPDATE runs SET status = coalesce(@status, status), name = coalesce(@name, name), updated_at = @now,
                        ended_at = CASE WHEN @end::timestamptz IS NOT NULL THEN @end WHEN @status IN ('running', 'scheduled') THEN NULL
                            WHEN @status IS NOT NULL THEN coalesce(ended_at, @now) ELSE ended_at END
                    WHERE id = @id
                    """,
                    new { id, status, name, end, now = time.GetUtcNow() });
                if (status is not null)
                {
                    await events.PublishAsync(work, $"run:{id}", "run.status", new { status });
                }
            },
            cancellationToken);

    /// <summary>Deletes or restores a run; false when it is gone for good.</summary>
    public Task<bool> SetDeletedAsync(string id, bool deleted, CancellationToken cancellationToken)
        => ChangeAsync(
            "UPDATE runs SET deleted_at = CASE WHEN @deleted THEN coalesce(deleted_at, @now) END, updated_at = @now WHERE id = @id AND purged_at IS NULL",
            new { id, deleted, now = time.GetUtcNow() },
            cancellationToken);

    /// <summary>Removes a tag; false when there is none.</summary>
    public Task<bool> DeleteTagAsync(string id, string key, CancellationToken cancellationToken)
        => ChangeAsync("DELETE FROM run_tags WHERE run_id = @id AND key = @key", new { id, key }, cancellationToken);

    /// <summary>Adds data sets and models that went into a run; tags of a data set that is known are merged.</summary>
    public Task AddInputsAsync(string id, IReadOnlyList<InputRow> datasets, IReadOnlyList<string> models, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    """
                    INSERT INTO run_inputs (run_id, name, digest, source_type, source, schema, profile, tags, created_at)
                    VALUES (@id, @Name, @Digest, @SourceType, @Source, @Schema, @Profile, @Tags::jsonb, @now)
                    ON CONFLICT (run_id, name, digest) DO UPDATE SET tags = run_inputs.tags || excluded.tags
                    """,
                    datasets.Select(row => new { id, row.Name, row.Digest, row.SourceType, row.Source, row.Schema, row.Profile, row.Tags, now = time.GetUtcNow() }),
                    transaction,
                    cancellationToken: cancellationToken));
                await connection.ExecuteAsync(new CommandDefinition(
                    "INSERT INTO run_models (run_id, model_id, direction) VALUES (@id, @model, 'input') ON CONFLICT DO NOTHING",
                    models.Select(model => new { id, model }),
                    transaction,
                    cancellationToken: cancellationToken));
            },
            cancellationToken);

    /// <summary>Adds models that a run put out, with the step at which it did.</summary>
    public async Task AddOutputsAsync(string id, IReadOnlyList<(string Model, long Step)> models, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO run_models (run_id, model_id, direction, step) VALUES (@id, @Model, 'output', @Step)
            ON CONFLICT (run_id, direction, model_id) DO UPDATE SET step = excluded.step
            """,
            models.Select(model => new { id, model.Model, model.Step }),
            cancellationToken: cancellationToken));
    }

    private async Task<bool> ChangeAsync(string sql, object parameters, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(sql, parameters, cancellationToken: cancellationToken)) > 0;
    }
}
