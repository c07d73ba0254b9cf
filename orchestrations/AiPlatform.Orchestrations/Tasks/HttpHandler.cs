using System.Buffers;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.TaskWorker;

namespace AiPlatform.Orchestrations.Tasks;

/// <summary>Calls a URL. Redirects are not followed; errors are of the kinds <c>network</c> and <c>http.{status}</c>.</summary>
internal sealed class HttpHandler(GuardedHttp http) : ITaskHandler
{
    private const int MaxAnswer = 16 * 1024;
    private const int MaxResult = TaskCompletionRule.MaxResultBytes - 1_024;

    public string Name => TaskHandlers.Http;

    public async Task<JsonElement?> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        var payload = task.Assignment.Payload?.Deserialize<HttpTaskPayload>(ContractsJson.Tolerant)
            ?? throw new TaskFailedException("invalid", "The task has no payload.");
        using var request = Request(payload, task.Assignment);
        try
        {
            using var response = await http.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var (body, truncated) = await ReadAsync(response.Content, cancellationToken);
            var result = new HttpTaskResult((int)response.StatusCode, body, truncated);
            return response.IsSuccessStatusCode
                ? JsonSerializer.SerializeToElement(result, ContractsJson.Strict)
                : throw new TaskFailedException($"http.{result.Status}", $"{payload.Url} answered {result.Status}: {result.Body}");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new TaskFailedException(
                exception.InnerException is ForbiddenAddressException ? "invalid" : "network", $"{payload.Url}: {(exception.InnerException ?? exception).Message}");
        }
    }

    private static HttpRequestMessage Request(HttpTaskPayload payload, TaskAssignment assignment)
    {
        var request = new HttpRequestMessage(new HttpMethod(payload.Method), payload.Url);
        if (payload.Body is { } body)
        {
            request.Content = new StringContent(body.GetRawText(), Encoding.UTF8, MediaTypeNames.Application.Json);
        }

        // The receiver can tell a repeat of the same task.
        request.Headers.Add("Idempotency-Key", assignment.TaskId);
        request.Headers.Add("X-Task-Attempt", $"{assignment.Attempt}");
        foreach (var (name, value) in payload.Headers ?? new Dictionary<string, string>())
        {
            if (!request.Headers.TryAddWithoutValidation(name, value) && request.Content is { } content && name != "Content-Type")
            {
                content.Headers.TryAddWithoutValidation(name, value);
            }
            else if (name == "Content-Type" && request.Content is { } typed && MediaTypeHeaderValue.TryParse(value, out var type))
            {
                typed.Headers.ContentType = type;
            }
        }

        return request;
    }

    // What is not read is not transferred: a large answer costs no more than a small one.
    private static async Task<(string Body, bool Truncated)> ReadAsync(HttpContent content, CancellationToken cancellationToken)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(MaxAnswer + 1);
        try
        {
            var length = await stream.ReadAtLeastAsync(buffer.AsMemory(0, MaxAnswer + 1), MaxAnswer + 1, throwOnEndOfStream: false, cancellationToken);
            return Text(buffer.AsSpan(0, Math.Min(length, MaxAnswer)), length > MaxAnswer);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    // As much as fits into a result: control characters take six bytes each in JSON.
    private static (string Body, bool Truncated) Text(ReadOnlySpan<byte> answer, bool truncated)
    {
        var text = new StringBuilder(answer.Length);
        var size = 0;
        while (Rune.DecodeFromUtf8(answer, out var rune, out var read) is var status && read > 0)
        {
            if (status == OperationStatus.NeedMoreData && truncated)
            {
                break; // The cut went through this character.
            }

            size += Rune.IsControl(rune) ? 6 : rune.Value is '"' or '\\' ? 2 : rune.Utf8SequenceLength;
            if (size > MaxResult)
            {
                return (text.ToString(), true);
            }

            text.Append((rune.Value == 0 ? Rune.ReplacementChar : rune).ToString()); // PostgreSQL's jsonb has no NUL.
            answer = answer[read..];
        }

        return (text.ToString(), truncated);
    }
}
