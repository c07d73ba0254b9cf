using System.Text.Json;

namespace AiPlatform.Contracts.Queues;

/// <summary>Changes a dead letter before it is replayed; what is absent stays as it is.</summary>
public sealed record EditDeadLetterRequest(JsonElement? Payload = null, TaskRetry? Retry = null, int? TimeoutSeconds = null);

/// <summary>Replays dead letters.</summary>
/// <param name="Tasks">Ids; at most 10,000. Null: the oldest 10,000 of the queue.</param>
/// <param name="Dependents">Also the tasks that were skipped because these failed, directly or through others: they wait for them again.</param>
public sealed record ReplayTasksRequest(IReadOnlyList<string>? Tasks = null, bool Dependents = false);

/// <summary>What was replayed.</summary>
/// <param name="More">The queue has more dead letters.</param>
/// <param name="Dependents">Skipped tasks that wait for them again.</param>
public sealed record ReplayedTasks(int Replayed, bool More, int Dependents = 0);
