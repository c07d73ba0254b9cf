using System.Net.Http.Headers;
using AiPlatform.Contracts.Queues;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Keeps the end of an attempt's output, at most <see cref="TaskLogRule.MaxBytes"/> (workers only).</summary>
    public Task PutTaskLogAsync(string task, int fence, ReadOnlyMemory<byte> text, CancellationToken cancellationToken)
        => SendAsync<object?>(
            HttpMethod.Put,
            $"v1/queues/executions/{Escape(task)}/log?fence={fence}",
            () => new ReadOnlyMemoryContent(text) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } },
            cancellationToken);

    /// <summary>The end of what an attempt of a queue's task has written; empty when it has written nothing.</summary>
    public Task<string> ReadTaskLogAsync(string task, int attempt, CancellationToken cancellationToken)
        => ReadTextAsync($"v1/tasks/{Escape(task)}/attempts/{attempt}/log", cancellationToken);
}
