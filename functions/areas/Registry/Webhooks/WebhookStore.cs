using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Identity;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Registry.Webhooks;

/// <summary>Webhooks of projects.</summary>
internal sealed class WebhookStore(Database database, IProjects projects, IOptions<WebhookOptions> options)
{
    /// <summary>Adds a webhook; false when the project has as many as it may.</summary>
    public Task<bool> TryAddAsync(WebhookRow row, string createdBy, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                // Those that add at the same time count one after the other.
                await projects.LockAsync(work, row.ProjectId);
                return await work.ExecuteAsync(
                    """
                    INSERT INTO webhooks (id, project_id, name, description, url, events, secret, status, created_by, created_at, updated_at)
                    SELECT @Id, @ProjectId, @Name, @Description, @Url, @Events, @Secret, @Status, @createdBy, @CreatedAt, @CreatedAt
                    WHERE (SELECT count(*) FROM webhooks WHERE project_id = @ProjectId) < @MaxWebhooks
                    """,
                    new { row.Id, row.ProjectId, row.Name, row.Description, row.Url, row.Events, row.Secret, row.Status, row.CreatedAt, createdBy, options.Value.MaxWebhooks }) > 0;
            },
            cancellationToken);

    /// <summary>A webhook of the project; null when there is none.</summary>
    public async Task<WebhookRow?> FindAsync(string projectId, string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<WebhookRow>(new CommandDefinition(
            $"SELECT {WebhookRow.Columns} FROM webhooks WHERE project_id = @projectId AND id = @id", new { projectId, id }, cancellationToken: cancellationToken));
    }

    /// <summary>Webhooks of the project, oldest first.</summary>
    public async Task<List<WebhookRow>> ListAsync(string projectId, int offset, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<WebhookRow>(new CommandDefinition(
            $"SELECT {WebhookRow.Columns} FROM webhooks WHERE project_id = @projectId ORDER BY id LIMIT @limit OFFSET @offset",
            new { projectId, limit, offset },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>Replaces what can change; false when it is gone.</summary>
    public async Task<bool> UpdateAsync(WebhookRow row, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE webhooks SET name = @Name, description = @Description, url = @Url, events = @Events, secret = @Secret, status = @Status, updated_at = @UpdatedAt
            WHERE project_id = @ProjectId AND id = @Id
            """,
            new { row.Id, row.ProjectId, row.Name, row.Description, row.Url, row.Events, row.Secret, row.Status, row.UpdatedAt },
            cancellationToken: cancellationToken)) > 0;
    }

    /// <summary>Deletes a webhook and what waits for it; false when there is none.</summary>
    public async Task<bool> DeleteAsync(string projectId, string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM webhooks WHERE project_id = @projectId AND id = @id", new { projectId, id }, cancellationToken: cancellationToken)) > 0;
    }
}
