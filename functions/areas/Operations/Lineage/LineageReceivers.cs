using System.Security.Cryptography;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Secrets;
using AiPlatform.Ports.Identity;
using Dapper;
using Npgsql;

namespace AiPlatform.Operations.Lineage;

/// <summary>The receivers of a project.</summary>
internal sealed class LineageReceivers(Database database, IProjects projects, SecretBox secrets, TimeProvider time)
{
    private const int MaxReceivers = 20;
    private const string SecretPrefix = "whsec_";

    /// <summary>What the secret of a receiver's header is bound to.</summary>
    public static string AuthorizationOf(string receiverId) => $"lineage-receiver:{receiverId}:authorization";

    /// <summary>What the key of a receiver's signatures is bound to.</summary>
    public static string SigningOf(string receiverId) => $"lineage-receiver:{receiverId}:signing";

    /// <summary>Adds a receiver; the key of its signatures is in the answer and never again.</summary>
    /// <exception cref="ApiException">409 when the name is taken.</exception>
    public async Task<LineageReceiver> CreateAsync(string projectId, CreateLineageReceiverRequest request, Caller caller, CancellationToken cancellationToken)
    {
        var id = Ids.New(time);
        var signing = SecretPrefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        try
        {
            var row = await database.InWorkAsync(
                async work =>
                {
                    // Two that are added at once count one after the other.
                    await projects.LockAsync(work, projectId);
                    var count = await work.SingleAsync<int>("SELECT count(*)::int FROM lineage_receivers WHERE project_id = @projectId", new { projectId });
                    Check.That(count < MaxReceivers, "name", "count", 0, MaxReceivers);
                    return await work.SingleAsync<ReceiverRow>(
                        $"""
                        INSERT INTO lineage_receivers AS r (id, project_id, name, url, authorization_secret, signing_secret, created_by, created_at)
                        VALUES (@id, @projectId, @name, @url, @authorization, @signing, @by, @now) RETURNING {ReceiverRow.Columns}
                        """,
                        new
                        {
                            id,
                            projectId,
                            name = request.Name,
                            url = request.Url,
                            authorization = request.Authorization is { } header ? secrets.Protect(AuthorizationOf(id), header) : null,
                            signing = secrets.Protect(SigningOf(id), signing),
                            by = caller.UserId,
                            now = time.GetUtcNow(),
                        });
                },
                cancellationToken);
            return row.ToContract(signing);
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "lineage_receivers_project_id_name_key"))
        {
            throw ApiException.AlreadyExists("receiver", request.Name);
        }
    }

    /// <summary>All receivers of a project, by name: there are few.</summary>
    public async Task<IReadOnlyList<LineageReceiver>> ListAsync(string projectId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<ReceiverRow>(new CommandDefinition(
            $"SELECT {ReceiverRow.Columns} FROM lineage_receivers r WHERE r.project_id = @projectId ORDER BY r.name", new { projectId }, cancellationToken: cancellationToken));
        return [.. rows.Select(static row => row.ToContract(null))];
    }

    /// <summary>Changes a receiver. One that is enabled is tried again at once, with what had failed for good.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task<LineageReceiver> UpdateAsync(string projectId, string receiver, UpdateLineageReceiverRequest request, CancellationToken cancellationToken)
    {
        var row = await database.InWorkAsync(
            async work =>
            {
                var id = await work.FindAsync<string>(
                        "SELECT id FROM lineage_receivers WHERE project_id = @projectId AND (id = @receiver OR name = @receiver) FOR NO KEY UPDATE", new { projectId, receiver })
                    ?? throw ApiException.NotFound("receiver", receiver);
                await work.ExecuteAsync(
                    """
                    UPDATE lineage_receivers SET url = coalesce(@url, url), authorization_secret = coalesce(@authorization, authorization_secret),
                        enabled = coalesce(@enabled, enabled), failures = 0, retry_at = NULL
                    WHERE id = @id
                    """,
                    new
                    {
                        id,
                        url = request.Url,
                        authorization = request.Authorization is { } header ? secrets.Protect(AuthorizationOf(id), header) : null,
                        enabled = request.Enabled,
                    });
                if (request.Enabled == true)
                {
                    await work.ExecuteAsync("UPDATE lineage_outbox SET parked = false, attempts = 0, due_at = now() WHERE receiver_id = @id AND parked", new { id });
                }

                return await work.SingleAsync<ReceiverRow>($"SELECT {ReceiverRow.Columns} FROM lineage_receivers r WHERE r.id = @id", new { id });
            },
            cancellationToken);
        return row.ToContract(null);
    }

    /// <summary>Removes a receiver with what was not delivered.</summary>
    /// <exception cref="ApiException">404.</exception>
    public async Task DeleteAsync(string projectId, string receiver, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var deleted = await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM lineage_receivers WHERE project_id = @projectId AND (id = @receiver OR name = @receiver)", new { projectId, receiver }, cancellationToken: cancellationToken));
        if (deleted == 0)
        {
            throw ApiException.NotFound("receiver", receiver);
        }
    }

    private sealed class ReceiverRow
    {
        public const string Columns = """
            r.id, r.name, r.url, r.authorization_secret IS NOT NULL AS has_authorization, r.enabled, r.last_error, r.delivered_at, r.created_at,
            (SELECT count(*)::int FROM (SELECT 1 FROM lineage_outbox o WHERE o.receiver_id = r.id AND NOT o.parked LIMIT 10000) s) AS pending,
            (SELECT count(*)::int FROM (SELECT 1 FROM lineage_outbox o WHERE o.receiver_id = r.id AND o.parked LIMIT 10000) s) AS parked
            """;

        public required string Id { get; init; }

        public required string Name { get; init; }

        public required string Url { get; init; }

        public bool HasAuthorization { get; init; }

        public bool Enabled { get; init; }

        public string? LastError { get; init; }

        public DateTimeOffset? DeliveredAt { get; init; }

        public DateTimeOffset CreatedAt { get; init; }

        public int Pending { get; init; }

        public int Parked { get; init; }

        public LineageReceiver ToContract(string? signingSecret)
            => new(Id, Name, Url, HasAuthorization, signingSecret, Enabled, Pending, Parked, LastError, DeliveredAt, CreatedAt);
    }
}
