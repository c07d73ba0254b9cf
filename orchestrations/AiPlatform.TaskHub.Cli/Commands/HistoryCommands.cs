using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Client;
using AiPlatform.DurableTask.Protobuf;
using AiPlatform.DurableTask.Worker.Replay;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.TaskHub.Cli.Commands;

/// <summary>Commands about the history of one instance.</summary>
internal static class HistoryCommands
{
    public static async Task<int> ListAsync(Session session)
    {
        foreach (var item in await session.Client.GetOrchestrationHistoryAsync(session.Arguments.Operand(0, "The instance id"), session.Cancelled))
        {
            await session.RowAsync(item.Timestamp, item.EventType, item.EventId < 0 ? item.TaskScheduledId : item.EventId, item.Name, item.FailureDetails?.ErrorMessage ?? item.Result ?? item.Input);
        }

        return 0;
    }

    public static async Task<int> ExportAsync(Session session)
    {
        var json = HistoryReplay.Write(await ReadAsync(session, session.Arguments.Operand(0, "The instance id")));
        if (session.Arguments.Option("out") is { } file)
        {
            await File.WriteAllTextAsync(file, json + "\n", session.Cancelled);
        }
        else
        {
            await session.Output.WriteLineAsync(json);
        }

        return 0;
    }

    public static async Task<int> ReplayAsync(Session session)
    {
        var source = session.Arguments.Operand(0, "The file or instance id");
        var assembly = session.Arguments.Option("assembly") ?? throw new UsageException("--assembly PATH names the assembly that has the orchestrators.");
        var history = File.Exists(source) ? HistoryReplay.Read(await File.ReadAllTextAsync(source, session.Cancelled)) : await ReadAsync(session, source);
        var registry = OrchestratorAssembly.Load(assembly);
        await using var services = new ServiceCollection().BuildServiceProvider();
        var result = HistoryReplay.Run(registry, history, services);
        await session.Output.WriteLineAsync(result.Difference is null
            ? $"{result.Orchestrator}: the same in {result.Turns} turns"
            : $"{result.Orchestrator}: differs in turn {result.Turns}: {result.Difference}");
        return result.Difference is null ? 0 : 1;
    }

    private static async Task<IReadOnlyList<HistoryEvent>> ReadAsync(Session session, string id)
    {
        // Events as the protocol has them: the client's own view leaves out what only a replay needs.
        using var call = session.Channel.Stub.StreamInstanceHistory(new() { InstanceId = id, ForWorkItemProcessing = false }, cancellationToken: session.Cancelled);
        var events = new List<HistoryEvent>();
        await foreach (var chunk in call.ResponseStream.ReadAllAsync(session.Cancelled))
        {
            events.AddRange(chunk.Events);
        }

        return events.Count > 0 ? events : throw new KeyNotFoundException($"There is no instance '{id}', or it has no history.");
    }
}
