using AiPlatform.Hosting.TaskHubs;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Grpc;
using Microsoft.Extensions.Logging.Abstractions;

namespace AiPlatform.TaskHub.Cli;

/// <summary>What a command works with. The hub is connected to on first use.</summary>
internal sealed class Session(Arguments arguments, TextWriter output, CancellationToken cancellationToken) : IAsyncDisposable
{
    private TaskHubConnection? _hub;

    public Arguments Arguments { get; } = arguments;

    public TextWriter Output { get; } = output;

    public CancellationToken Cancelled { get; } = cancellationToken;

    public DurableTaskClient Client => field ??= new GrpcDurableTaskClient(
        string.Empty, new GrpcDurableTaskClientOptions { Channel = Hub.Channel, EnableEntitySupport = true }, NullLogger.Instance);

    /// <summary>The connection, and the protocol itself for what the client does not show.</summary>
    public TaskHubConnection Hub => _hub ??= new TaskHubConnection(
        Arguments.Option("connection") ?? Environment.GetEnvironmentVariable("TASKHUB_CONNECTION")
            ?? throw new UsageException("Which hub? Give --connection, or set TASKHUB_CONNECTION."),
        TimeProvider.System);

    /// <summary>The statuses that <c>--status</c> names; null when it is not given.</summary>
    public IReadOnlyList<OrchestrationRuntimeStatus>? Statuses()
        => Arguments.Option("status")?.Split(',').Select(static name => Enum.TryParse<OrchestrationRuntimeStatus>(name, ignoreCase: true, out var status)
            ? status
            : throw new UsageException($"'{name}' is not one of {string.Join(", ", Enum.GetNames<OrchestrationRuntimeStatus>())}.")).ToList();

    /// <summary>Writes one line of a list.</summary>
    public Task RowAsync(params object?[] columns)
        => Output.WriteLineAsync(string.Join('\t', columns.Select(static column
            => column is DateTimeOffset time ? time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'") : column?.ToString())));

    public ValueTask DisposeAsync()
    {
        _hub?.Dispose();
        return ValueTask.CompletedTask;
    }
}
