using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Compute.Queues;

/// <summary>A task that passed every check that needs no database.</summary>
/// <param name="LocalDependencies">Positions of tasks of the same submission.</param>
/// <param name="Dependencies">Ids of tasks that exist already.</param>
internal sealed record CheckedTask(
    SubmitTaskRequest Request, string? Payload, DateTimeOffset ReadyAt, IReadOnlyList<int> LocalDependencies, IReadOnlyList<string> Dependencies)
{
    /// <summary>Whether it waits for others.</summary>
    public bool IsBlocked => LocalDependencies.Count + Dependencies.Count > 0;
}

/// <summary>Checks submissions; each failure names the field, with its position in a bulk submission.</summary>
internal static class TaskSubmissionCheck
{
    public const int MaxBulk = 10_000;
    private const int MaxDependencies = 1_000;
    private const int MaxKeyLength = 200;
    private static readonly TimeSpan MaxDelay = TimeSpan.FromDays(366);

    /// <summary>Checks a bulk submission, its references and its graph.</summary>
    /// <exception cref="ApiException">400.</exception>
    public static IReadOnlyList<CheckedTask> CheckAll(IReadOnlyList<SubmitTaskRequest> requests, QueueOptions options, DateTimeOffset now)
    {
        Check.That(requests.Count is >= 1 and <= MaxBulk, "tasks", "count", 1, MaxBulk);
        var references = new Dictionary<string, int>(StringComparer.Ordinal);
        var keys = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < requests.Count; i++)
        {
            Check.That(requests[i] is not null, $"tasks[{i}]", "required");
            // Two of one submission with one key would be one task: its dependencies could then close a circle.
            Check.That(requests[i].DeduplicationKey is not { } key || keys.Add(key), $"tasks[{i}].deduplicationKey", "duplicate");
            if (requests[i].Ref is { } name)
            {
                Check.Name(name, $"tasks[{i}].ref");
                Check.That(references.TryAdd(name, i), $"tasks[{i}].ref", "duplicate");
            }
        }

        var tasks = requests.Select((request, i) => CheckOne(request, $"tasks[{i}].", references, options, now)).ToList();
        if (DependencyGraph.FindCycle([.. tasks.Select(static task => task.LocalDependencies)]) is { } cycle)
        {
            throw new ApiException(ErrorCodes.DependencyCycle, string.Join(" → ", cycle.Take(20).Select(i => requests[i].Ref))) { Field = $"tasks[{cycle[0]}].dependsOn" };
        }

        return tasks;
    }

    /// <summary>Checks one task.</summary>
    /// <param name="request">The task.</param>
    /// <param name="prefix">Before the names of fields.</param>
    /// <param name="references">Positions of tasks of the same submission by their <c>ref</c>.</param>
    /// <param name="options">Limits.</param>
    /// <param name="now">The time.</param>
    /// <exception cref="ApiException">400.</exception>
    public static CheckedTask CheckOne(
        SubmitTaskRequest request, string prefix, IReadOnlyDictionary<string, int> references, QueueOptions options, DateTimeOffset now)
    {
        Check.That(request.Handler is not null && TaskHandlers.All.Contains(request.Handler), prefix + "handler", "oneOf", string.Join(", ", TaskHandlers.All));
        Check.Text(request.Name, prefix + "name", 250);
        Check.Defined(request.Priority, prefix + "priority");
        Check.Range(request.TimeoutSeconds, prefix + "timeoutSeconds", 1, 86_400);
        Check.That(request.Deadline is null || request.Deadline > now, prefix + "deadline", "future");
        Check.That(request.ParentId is null || Ids.IsId(request.ParentId), prefix + "parentId", "id");
        CheckKey(request.DeduplicationKey, prefix + "deduplicationKey");
        if (request.Concurrency is { } concurrency)
        {
            CheckKey(concurrency.Key, prefix + "concurrency.key");
            Check.Range(concurrency.Limit, prefix + "concurrency.limit", 1, 10_000);
        }

        CheckRetry(request.Retry, prefix + "retry.");
        var (local, existing) = SplitDependencies(request.DependsOn, prefix, references);
        return new CheckedTask(request, CheckPayload(request.Handler!, request.Payload, prefix + "payload", options), ReadyAt(request, prefix, now), local, existing);
    }

    /// <summary>Checks a rule for repeats; null is the default one.</summary>
    public static void CheckRetry(TaskRetry? retry, string prefix)
    {
        if (retry is null)
        {
            return;
        }

        Check.Range(retry.MaxAttempts, prefix + "maxAttempts", 1, 100);
        Check.Range(retry.FirstDelaySeconds, prefix + "firstDelaySeconds", 0, 86_400d);
        Check.Range(retry.BackoffCoefficient, prefix + "backoffCoefficient", 1, 100d);
        Check.Range(retry.MaxDelaySeconds, prefix + "maxDelaySeconds", 0, 604_800d);
        Check.Range(retry.Jitter, prefix + "jitter", 0, 1d);
        Check.That(retry.RetryOn is null || retry.RetryOn.Count <= 32, prefix + "retryOn", "count", 0, 32);
        foreach (var pattern in retry.RetryOn ?? [])
        {
            Check.Length(pattern, prefix + "retryOn", 1, 64);
        }
    }

    /// <summary>The payload as stored, checked for its handler.</summary>
    public static string? CheckPayload(string handler, JsonElement? payload, string field, QueueOptions options)
    {
        string? text = null;
        if (payload is { ValueKind: not JsonValueKind.Null and not JsonValueKind.Undefined } json)
        {
            Check.Json(json, field, options.MaxPayloadBytes);
            text = json.GetRawText();
        }

        switch (handler)
        {
            case TaskHandlers.Http:
                CheckHttp(Read<HttpTaskPayload>(payload, field), field);
                break;
            case TaskHandlers.Python:
                CheckPython(Read<PythonTaskPayload>(payload, field), field);
                break;
            default:
                break;
        }

        return text;
    }

    /// <summary>The address that a task calls, and its field; null for a task that calls none.</summary>
    public static (string? Url, string Field) Address(string handler, JsonElement? payload, string field)
        => (handler == TaskHandlers.Http && payload is { ValueKind: JsonValueKind.Object } content && content.TryGetProperty("url", out var url) && url.ValueKind == JsonValueKind.String ? url.GetString() : null, field + ".url");

    private static void CheckHttp(HttpTaskPayload payload, string field)
    {
        Check.That(Uri.TryCreate(payload.Url, UriKind.Absolute, out var url) && url.Scheme is "http" or "https", field + ".url", "url");
        Check.That(
            payload.Method is "GET" or "POST" or "PUT" or "PATCH" or "DELETE" or "HEAD", field + ".method", "oneOf", "GET, POST, PUT, PATCH, DELETE, HEAD");
        Check.That(payload.Headers is null || payload.Headers.Count <= 32, field + ".headers", "count", 0, 32);
    }

    private static void CheckPython(PythonTaskPayload payload, string field)
    {
        Check.That(Ids.IsId(payload.Package), field + ".package", "id");
        var parts = payload.Function.Split(':');
        Check.That(parts.Length == 2 && parts.All(static part => part.Split('.').All(IsIdentifier)), field + ".function", "pythonFunction");
        Check.That(payload.Arguments is null or { ValueKind: JsonValueKind.Object or JsonValueKind.Null }, field + ".arguments", "wrongType");
    }

    private static bool IsIdentifier(string text)
        => text.Length is > 0 and <= 128 && (char.IsAsciiLetter(text[0]) || text[0] == '_') && text.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private static T Read<T>(JsonElement? payload, string field)
    {
        Check.That(payload is { ValueKind: JsonValueKind.Object }, field, "required");
        try
        {
            return payload!.Value.Deserialize<T>(ContractsJson.Strict)!;
        }
        catch (JsonException exception)
        {
            throw Problems.FromJson(exception, field);
        }
    }

    private static void CheckKey(string? key, string field)
    {
        if (key is not null)
        {
            Check.Length(key, field, 1, MaxKeyLength);
        }
    }

    private static DateTimeOffset ReadyAt(SubmitTaskRequest request, string prefix, DateTimeOffset now)
    {
        Check.That(request.RunAt is null || request.DelaySeconds is null, prefix + "delaySeconds", "excludes", "runAt");
        if (request.DelaySeconds is { } delay)
        {
            Check.Range(delay, prefix + "delaySeconds", 0, MaxDelay.TotalSeconds);
            return now.AddSeconds(delay);
        }

        Check.That(request.RunAt is null || request.RunAt <= now + MaxDelay, prefix + "runAt", "range", now, now + MaxDelay);
        return request.RunAt > now ? request.RunAt.Value : now;
    }

    private static (IReadOnlyList<int> Local, IReadOnlyList<string> Existing) SplitDependencies(
        TaskDependencies? dependencies, string prefix, IReadOnlyDictionary<string, int> references)
    {
        if (dependencies is null)
        {
            return ([], []);
        }

        Check.That(dependencies.Tasks.Count is >= 1 and <= MaxDependencies, prefix + "dependsOn.tasks", "count", 1, MaxDependencies);
        Check.Defined(dependencies.Mode, prefix + "dependsOn.mode");
        var (local, existing) = (new HashSet<int>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var name in dependencies.Tasks)
        {
            if (name is not null && references.TryGetValue(name, out var position))
            {
                local.Add(position);
                continue;
            }

            Check.That(name is not null && Ids.IsId(name), prefix + "dependsOn.tasks", "taskReference", name);
            existing.Add(name!);
        }

        return ([.. local], [.. existing]);
    }
}
