using System.Text.Json;
using AiPlatform.Hosting.TaskHubs;
using Microsoft.DurableTask.Client;

namespace AiPlatform.TaskHub.Cli.Commands;

/// <summary>Commands about instances.</summary>
internal static class InstanceCommands
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task<int> ListAsync(Session session)
    {
        var (left, name) = (session.Arguments.Option("top", 50), session.Arguments.Option("name"));
        var query = new OrchestrationQuery(Statuses: session.Statuses(), InstanceIdPrefix: session.Arguments.Option("prefix"));
        await foreach (var instance in session.Client.GetAllInstancesAsync(query).WithCancellation(session.Cancelled))
        {
            if (name is not null && !string.Equals(name, instance.Name, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            if (left-- <= 0)
            {
                return 0;
            }

            await session.RowAsync(instance.InstanceId, instance.Name, instance.RuntimeStatus, instance.CreatedAt, instance.LastUpdatedAt);
        }

        return 0;
    }

    public static async Task<int> ShowAsync(Session session)
    {
        var id = session.Arguments.Operand(0, "The instance id");
        var answer = await session.Hub.Protocol.GetInstanceAsync(
            new() { InstanceId = id, GetInputsAndOutputs = true }, cancellationToken: session.Cancelled);
        var instance = answer.Exists ? answer.OrchestrationState : throw new KeyNotFoundException($"There is no instance '{id}'.");
        await session.Output.WriteLineAsync(JsonSerializer.Serialize(
            new
            {
                instance.InstanceId,
                instance.Name,
                instance.Version,
                instance.ExecutionId,
                instance.ParentInstanceId,
                RuntimeStatus = instance.OrchestrationStatus.ToString(),
                CreatedAt = instance.CreatedTimestamp?.ToDateTimeOffset(),
                LastUpdatedAt = instance.LastUpdatedTimestamp?.ToDateTimeOffset(),
                CompletedAt = instance.CompletedTimestamp?.ToDateTimeOffset(),
                ScheduledStartAt = instance.ScheduledStartTimestamp?.ToDateTimeOffset(),
                instance.Tags,
                instance.CustomStatus,
                instance.Input,
                instance.Output,
                Failure = instance.FailureDetails is { } failure ? new { failure.ErrorType, failure.ErrorMessage, failure.StackTrace } : null,
            },
            Indented));
        return 0;
    }

    public static async Task<int> StuckAsync(Session session)
    {
        var idle = session.Arguments.Option("idle", TimeSpan.FromHours(1));
        var report = await StuckInstances.FindAsync(session.Hub, idle, DateTimeOffset.UtcNow, session.Arguments.Option("top", 50), session.Cancelled);
        foreach (var item in report.Instances)
        {
            await session.RowAsync(item.Instance.InstanceId, item.Instance.Name, item.Instance.LastUpdatedTimestamp.ToDateTimeOffset(), item.Reason, item.WaitingFor);
        }

        if (!report.IsComplete)
        {
            await session.RowAsync("…", $"{report.Examined} instances were examined; there are more.");
        }

        return 0;
    }

    public static async Task<int> PurgeAsync(Session session)
    {
        var options = new PurgeInstanceOptions(session.Arguments.Has("recursive"));
        if (session.Arguments.OperandCount > 0)
        {
            var one = await session.Client.PurgeInstanceAsync(session.Arguments.Operand(0, "The instance id"), options, session.Cancelled);
            await session.Output.WriteLineAsync($"{one.PurgedInstanceCount} purged");
            return one.PurgedInstanceCount > 0 ? 0 : 1;
        }

        if (!session.Arguments.Has("before"))
        {
            throw new UsageException("Say what to purge: an instance id, or --before TIME.");
        }

        // By creation, as the protocol filters; a hub may answer in parts.
        var filter = new PurgeInstancesFilter(CreatedTo: session.Arguments.Option("before", default(DateTimeOffset)), Statuses: session.Statuses());
        var total = 0;
        PurgeResult part;
        do
        {
            part = await session.Client.PurgeAllInstancesAsync(filter, options, session.Cancelled);
            total += part.PurgedInstanceCount;
        }
        while (part is { IsComplete: false, PurgedInstanceCount: > 0 });

        await session.Output.WriteLineAsync($"{total} purged");
        return 0;
    }
}
