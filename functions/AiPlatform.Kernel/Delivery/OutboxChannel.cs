using System.Diagnostics;
using System.Text.Json;
using AiPlatform.Hosting;
using AiPlatform.Hosting.Telemetry;
using DurableTask.Core.Exceptions;
using Grpc.Core;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace AiPlatform.Kernel.Delivery;

/// <summary>Delivers outbox rows to the task hub, in order per instance.</summary>
public sealed class OutboxChannel(DurableTaskClient client) : IDeliveryChannel<OutboxRow>
{
    private const int MaxAttempts = 200;
    private static readonly TimeSpan FirstBackOff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(15);

    // A start that is delivered again never runs again, whatever has become of the first: an id of ours names one process.
    private static readonly string[] Always = [.. StartOrchestrationOptionsExtensions.ValidDedupeStatuses.Select(static status => status.ToString())];

    /// <inheritdoc />
    public static string Name => "outbox";

    /// <inheritdoc />
    public static DeliveryTable Table { get; } = new("outbox", "instance_id", "d.kind, d.name, d.payload, d.traceparent");

    /// <inheritdoc />
    public DeliveryPace Pace { get; } = new(Parallel: 8, Keys: 64, OfKey: 64, Timeout: TimeSpan.FromSeconds(10), Budget: TimeSpan.FromSeconds(10));

    /// <inheritdoc />
    public async Task<DeliveryAnswer> DeliverAsync(OutboxRow row, CancellationToken cancellationToken)
    {
        using var span = Traces.Continue("outbox.deliver", ActivityKind.Internal, row.Traceparent);
        span.SetTag("aiplatform.outbox.kind", row.Kind).SetTag("aiplatform.instance.id", row.Key);
        var payload = row.Payload is null ? (object?)null : JsonSerializer.Deserialize<JsonElement>(row.Payload);
        try
        {
            switch (row.Kind)
            {
                case OutboxMessage.StartKind:
                    await client.ScheduleNewOrchestrationInstanceAsync(
                        new TaskName(row.Name!), payload, new StartOrchestrationOptions(row.Key) { DedupeStatuses = Always }, cancellationToken);
                    break;
                case OutboxMessage.EventKind:
                    await client.RaiseEventAsync(row.Key, row.Name!, payload, cancellationToken);
                    break;
                case OutboxMessage.TerminateKind:
                    await client.TerminateInstanceAsync(row.Key, new TerminateInstanceOptions(payload), cancellationToken);
                    break;
                default:
                    throw new InvalidOperationException($"Unknown outbox kind {row.Kind}.");
            }
        }
        catch (OrchestrationAlreadyExistsException)
        {
            // An earlier delivery arrived and its answer got lost.
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.NotFound)
        {
            // The start was delivered before this message: what is unknown now has ended and was purged.
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            return new DeliveryAnswer(exception.Message);
        }

        return DeliveryAnswer.Delivered;
    }

    /// <inheritdoc />
    public TimeSpan? PauseAfter(OutboxRow row, DeliveryAnswer answer)
    {
        if (row.Attempts >= MaxAttempts)
        {
            return null;
        }

        // At least half of it: the hub restarts in seconds, and all instances wait for it.
        var ceiling = FirstBackOff * Math.Pow(2, Math.Min(row.Attempts, 16));
        return (ceiling < MaxBackOff ? ceiling : MaxBackOff) * (0.5 + (Random.Shared.NextDouble() / 2));
    }
}
