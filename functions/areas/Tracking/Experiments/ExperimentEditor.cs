using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Runs;
using Dapper;
using Npgsql;

namespace AiPlatform.Tracking.Experiments;

/// <summary>Changes of experiments by MLflow's clients. Who may, and what may be said, the caller has checked.</summary>
internal sealed class ExperimentEditor(Database database, ExperimentDirectory experiments, RunDirectory runs, TimeProvider time)
{
    /// <summary>Creates an experiment; gives its number.</summary>
    /// <param name="tags">As a JSON object.</param>
    /// <exception cref="MLflowException">RESOURCE_ALREADY_EXISTS, by a deleted one too.</exception>
    public async Task<long> CreateAsync(string projectId, string name, string? askedLocation, string tags, string createdBy, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var (number, location) = await experiments.PlaceAsync(connection, askedLocation, cancellationToken);
        var added = await UniqueAsync(name, () => connection.ExecuteAsync(new CommandDefinition(
            """
            INSERT INTO experiments (id, project_id, name, number, artifact_location, tags, created_by, created_at, updated_at)
            SELECT @id, @projectId, @name, @number, @location, @tags::jsonb, @createdBy, @now, @now
            WHERE NOT EXISTS (SELECT 1 FROM experiments WHERE project_id = @projectId AND name = @name AND purged_at IS NULL)
            """,
            new { id = Ids.New(time), projectId, name, number, location, tags, createdBy, now = time.GetUtcNow() },
            cancellationToken: cancellationToken)));
        return added == 1 ? number : throw Exists(name);
    }

    /// <summary>Deletes an experiment with its runs.</summary>
    public async Task DeleteAsync(string id, CancellationToken cancellationToken)
    {
        await database.InWorkAsync(
            async work =>
            {
                var at = new { id, now = time.GetUtcNow() };
                await work.ExecuteAsync("UPDATE experiments SET deleted_at = @now, updated_at = @now WHERE id = @id AND deleted_at IS NULL", at);
                await work.ExecuteAsync("UPDATE runs SET deleted_at = @now, updated_at = @now WHERE experiment_id = @id AND deleted_at IS NULL", at);
            },
            cancellationToken);
        Forget();
    }

    /// <summary>Restores an experiment with the runs that went with it.</summary>
    /// <exception cref="MLflowException">RESOURCE_ALREADY_EXISTS: the name was taken meanwhile.</exception>
    public async Task RestoreAsync(ExperimentRow row, CancellationToken cancellationToken)
    {
        var at = new { row.Id, row.DeletedAt, now = time.GetUtcNow() };
        await UniqueAsync(row.Name, () => database.InWorkAsync(
            async work =>
            {
                await work.ExecuteAsync(
                    "UPDATE runs SET deleted_at = NULL, updated_at = @now WHERE experiment_id = @Id AND deleted_at = @DeletedAt AND purged_at IS NULL", at);
                return await work.ExecuteAsync("UPDATE experiments SET deleted_at = NULL, updated_at = @now WHERE id = @Id AND purged_at IS NULL", at);
            },
            cancellationToken));
        Forget();
    }

    /// <summary>Renames an experiment.</summary>
    /// <exception cref="MLflowException">RESOURCE_ALREADY_EXISTS.</exception>
    public Task RenameAsync(string id, string name, CancellationToken cancellationToken)
        => UniqueAsync(name, () => ChangeAsync("name = @name", new { id, name, now = time.GetUtcNow() }, string.Empty, cancellationToken));

    /// <summary>Sets a tag.</summary>
    public Task SetTagAsync(string id, string key, string value, CancellationToken cancellationToken)
        => ChangeAsync("tags = tags || jsonb_build_object(@key::text, @value::text)", new { id, key, value, now = time.GetUtcNow() }, string.Empty, cancellationToken);

    /// <summary>Removes a tag; false when there is none.</summary>
    public async Task<bool> DeleteTagAsync(string id, string key, CancellationToken cancellationToken)
        => await ChangeAsync("tags = tags - @key", new { id, key, now = time.GetUtcNow() }, " AND jsonb_exists(tags, @key)", cancellationToken) > 0;

    private void Forget()
    {
        runs.Clear();
        experiments.Forget();
    }

    // Assignment and condition are constants of this class.
    private async Task<int> ChangeAsync(string assignment, object parameters, string condition, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            $"UPDATE experiments SET {assignment}, updated_at = @now WHERE id = @id{condition}", parameters, cancellationToken: cancellationToken));
    }

    private static async Task<int> UniqueAsync(string name, Func<Task<int>> write)
    {
        try
        {
            return await write();
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "experiments_name"))
        {
            throw Exists(name);
        }
    }

    private static MLflowException Exists(string name) => MLflowException.Exists($"Experiment(name={name}) already exists.");
}
