using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Ports.Identity;

namespace AiPlatform.Compute.Queues;

/// <summary>A row of <c>queues</c> with its project's name.</summary>
internal sealed class QueueRow
{
    public const string Columns = "q.id, q.project_id, p.name AS project, q.pool, q.state, q.weight, q.max_running, q.user_weights::text AS user_weights, q.created_at, q.updated_at";

    public const string From = $"queues q JOIN {IdentityRelations.Projects} p ON p.id = q.project_id";

    public long Id { get; init; }

    public required string ProjectId { get; init; }

    public required string Project { get; init; }

    public required string Pool { get; init; }

    public QueueState State { get; init; }

    public double Weight { get; init; }

    public int? MaxRunning { get; init; }

    public required string UserWeights { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>As the API shows it.</summary>
    public TaskQueue ToContract(IReadOnlyList<QueueCount> counts)
        => new(Project, ProjectId, Pool, State, Weight, MaxRunning, ParseWeights(UserWeights), counts, CreatedAt, UpdatedAt);

    /// <summary>Reads the weights of users.</summary>
    public static Dictionary<string, double> ParseWeights(string json) => JsonSerializer.Deserialize<Dictionary<string, double>>(json, ContractsJson.Strict)!;
}
