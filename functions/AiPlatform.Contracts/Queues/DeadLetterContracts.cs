using System.Text.Json;

namespace AiPlatform.Contracts.Queues;

/// <summary>Changes a dead letter before it is replayed; what is absent stays as it is.</summary>
/// <example>{"payload": {"url": "https://example.org/hook"}, "timeoutSeconds": 60}</example>
/// <param name="Payload">The new payload; null leaves it.</param>
/// <param name="Retry">The new rule for attempts; null leaves it.</param>
/// <param name="TimeoutSeconds">The new timeout of one attempt, in seconds; null leaves it.</param>
public sealed record EditDeadLetterRequest(JsonElement? Payload = null, TaskRetry? Retry = null, int? TimeoutSeconds = null);

/// <summary>Replays dead letters.</summary>
/// <example>{"tasks": ["0198c7a4d2f17c5e8a3b6d9e0f124578"], "dependents": true}</example>
/// <param name="Tasks">Ids; at most 10,000. Null: the oldest 10,000 of the queue.</param>
/// <param name="Dependents">Also the tasks that were skipped because these failed, directly or through others: they wait for them again.</param>
public sealed record ReplayTasksRequest(IReadOnlyList<string>? Tasks = null, bool Dependents = false);

/// <summary>What was replayed.</summary>
/// <param name="Replayed">Tasks that wait to run again.</param>
/// <param name="More">The queue has more dead letters.</param>
/// <param name="Dependents">Skipped tasks that wait for them again.</param>
public sealed record ReplayedTasks(int Replayed, bool More, int Dependents = 0);
