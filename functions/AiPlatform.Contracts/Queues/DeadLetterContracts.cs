using System.Text.Json;

namespace AiPlatform.Contracts.Queues;

/// <summary>Changes a dead letter before it is replayed; what is absent stays as it is.</summary>
public sealed record EditDeadLetterRequest(JsonElement? Payload = null, TaskRetry? Retry = null, int? TimeoutSeconds = null);

/// <summary>Replays dead letters.</summary>
/// <param name="Tasks">Ids; at most 10,000. Null: the oldest 10,000 of the queue.</param>
public sealed record ReplayTasksRequest(IReadOnlyList<string>? Tasks = null);

/// <summary>What was replayed.</summary>
/// <param name="More">The queue has more dead letters.</param>
public sealed record ReplayedTasks(int Replayed, bool More);
