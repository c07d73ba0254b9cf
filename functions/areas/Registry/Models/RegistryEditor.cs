using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Registry.Webhooks;
using Npgsql;

namespace AiPlatform.Registry.Models;

/// <summary>Changes of models and versions by MLflow's clients, each with what its webhooks tell. Who may, and what may be said, the caller has checked.</summary>
internal sealed class RegistryEditor(Database database, VersionWriter versions, WebhookEvents webhooks, TimeProvider time)
{
    /// <summary>Creates a model.</summary>
    /// <param name="tags">As a JSON object.</param>
    /// <exception cref="MLflowException">RESOURCE_ALREADY_EXISTS.</exception>
    public Task CreateModelAsync(string projectId, string name, string? description, string tags, string createdBy, CancellationToken cancellationToken)
        => UniqueAsync(
            name,
            async work =>
            {
                await work.ExecuteAsync(
                    """
                    INSERT INTO models (id, project_id, name, description, tags, created_by, created_at, updated_at)
                    VALUES (@id, @projectId, @name, @description, @tags::jsonb, @createdBy, @now, @now)
                    """,
                    new { id = Ids.New(time), projectId, name, description, tags, createdBy, now = time.GetUtcNow() });
                await webhooks.PublishAsync(work, projectId, WebhookEvents.ModelCreated, new { name, tags = JsonTags.Read(tags), description });
            },
            cancellationToken);

    /// <summary>Renames a model.</summary>
    /// <exception cref="MLflowException">RESOURCE_ALREADY_EXISTS.</exception>
    public Task RenameModelAsync(string id, string name, CancellationToken cancellationToken)
        => UniqueAsync(name, work => ChangeModelAsync(work, "name = @name", new { id, name, now = time.GetUtcNow() }), cancellationToken);

    /// <summary>Describes a model.</summary>
    public Task DescribeModelAsync(string id, string? description, CancellationToken cancellationToken)
        => database.InWorkAsync(work => ChangeModelAsync(work, "description = @description", new { id, description, now = time.GetUtcNow() }), cancellationToken);

    /// <summary>Deletes a model.</summary>
    public Task DeleteModelAsync(string id, CancellationToken cancellationToken)
        => database.InWorkAsync(work => ChangeModelAsync(work, "deleted_at = @now", new { id, now = time.GetUtcNow() }), cancellationToken);

    /// <summary>Sets a model's tag.</summary>
    public Task SetModelTagAsync(string projectId, RegisteredModelRow model, string key, string value, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await ChangeModelAsync(work, "tags = tags || jsonb_build_object(@key::text, @value::text)", new { id = model.Id, key, value, now = time.GetUtcNow() });
                await webhooks.PublishAsync(work, projectId, WebhookEvents.ModelTagSet, new { name = model.Name, key, value });
            },
            cancellationToken);

    /// <summary>Removes a model's tag, if it has it.</summary>
    public Task DeleteModelTagAsync(string projectId, RegisteredModelRow model, string key, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await webhooks.PublishAsync(work, projectId, WebhookEvents.ModelTagDeleted, new { name = model.Name, key });
                await ChangeModelAsync(work, "tags = tags - @key", new { id = model.Id, key, now = time.GetUtcNow() });
            },
            cancellationToken);

    /// <summary>Adds a version to a model; gives its number.</summary>
    /// <param name="also">What belongs into the same transaction, with the number.</param>
    public Task<int> CreateVersionAsync(NewVersion version, Func<UnitOfWork, int, Task> also, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var row = await versions.InsertAsync(work, version);
                await also(work, row.Version);
                return row.Version;
            },
            cancellationToken);

    /// <summary>Describes a version.</summary>
    public Task DescribeVersionAsync(string id, string description, CancellationToken cancellationToken)
        => database.InWorkAsync(work => ChangeVersionAsync(work, "description = @description", new { id, description, now = time.GetUtcNow() }), cancellationToken);

    /// <summary>Deletes a version; its aliases go with it.</summary>
    public Task DeleteVersionAsync(VersionRow version, CancellationToken cancellationToken)
        => database.InWorkAsync(
            work => work.ExecuteAsync(
                """
                DELETE FROM model_aliases WHERE model_id = @ModelId AND version = @Version;
                UPDATE model_versions SET deleted_at = @now, updated_at = @now WHERE id = @Id;
                UPDATE models SET updated_at = @now WHERE id = @ModelId
                """,
                new { version.Id, version.ModelId, version.Version, now = time.GetUtcNow() }),
            cancellationToken);

    /// <summary>Sets a version's tag.</summary>
    public Task SetVersionTagAsync(string projectId, VersionRow version, string key, string value, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await ChangeVersionAsync(work, "tags = tags || jsonb_build_object(@key::text, @value::text)", new { id = version.Id, key, value, now = time.GetUtcNow() });
                await webhooks.PublishAsync(work, projectId, WebhookEvents.VersionTagSet, new { name = version.Name, version = $"{version.Version}", key, value });
            },
            cancellationToken);

    /// <summary>Removes a version's tag, if it has it.</summary>
    public Task DeleteVersionTagAsync(string projectId, VersionRow version, string key, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                if (await ChangeVersionAsync(work, "tags = tags - @key", new { id = version.Id, key, now = time.GetUtcNow() }, " AND jsonb_exists(tags, @key)") > 0)
                {
                    await webhooks.PublishAsync(work, projectId, WebhookEvents.VersionTagDeleted, new { name = version.Name, version = $"{version.Version}", key });
                }
            },
            cancellationToken);

    // Assignments and conditions are constants of this class.
    private static Task<int> ChangeModelAsync(UnitOfWork work, string assignment, object parameters)
        => work.ExecuteAsync($"UPDATE models SET {assignment}, updated_at = @now WHERE id = @id", parameters);

    private static Task<int> ChangeVersionAsync(UnitOfWork work, string assignment, object parameters, string condition = "")
        => work.ExecuteAsync($"UPDATE model_versions SET {assignment}, updated_at = @now WHERE id = @id{condition}", parameters);

    private async Task UniqueAsync(string name, Func<UnitOfWork, Task> write, CancellationToken cancellationToken)
    {
        try
        {
            await database.InWorkAsync(write, cancellationToken);
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "models_name"))
        {
            throw MLflowException.Exists($"Registered Model (name={name}) already exists.");
        }
    }
}
