using AiPlatform.Hosting.TaskHubs;
using AiPlatform.TaskHub.Cli.Replay;
using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.TaskHub.Cli.Commands;

/// <summary>Commands about the history of one instance.</summary>
internal static class HistoryCommands
{
    public static async Task<int> ListAsync(Session session)
    {
        foreach (var item in await HistoryEntry.ReadAsync(session.Hub, session.Arguments.Operand(0, "The instance id"), session.Cancelled))
        {
            await session.RowAsync(
                item.Timestamp, item.EventType, item.EventId < 0 ? item.TaskScheduledId : item.EventId, item.Name, item.ErrorMessage ?? item.Result ?? item.Input);
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
        var orchestrators = OrchestratorAssembly.Load(assembly);
        var result = await HistoryReplay.RunAsync(
            registry => orchestrators.ForEach(type => registry.AddOrchestrator(type)), history, null, session.Cancelled);
        await session.Output.WriteLineAsync(result.Difference is null
            ? $"{result.Orchestrator}: the same in {result.Turns} turns"
            : $"{result.Orchestrator}: differs in turn {result.Turns}: {result.Difference}");
        return result.Difference is null ? 0 : 1;
    }

    private static async Task<IReadOnlyList<HistoryEvent>> ReadAsync(Session session, string id)
        => await HistoryEntry.ReadEventsAsync(session.Hub, id, session.Cancelled) is { Count: > 0 } events
            ? events
            : throw new KeyNotFoundException($"There is no instance '{id}', or it has no history.");
}
