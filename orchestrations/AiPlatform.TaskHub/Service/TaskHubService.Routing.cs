using System.Globalization;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Engine;
using Grpc.Core;

namespace AiPlatform.TaskHub.Service;

/// <content>Calls reach any process; the owner of what they are for answers them.</content>
internal sealed partial class TaskHubService
{
    // While partitions change hands processes may disagree on their owners: calls must not go round in circles.
    private const int MaxHops = 3;

    private static readonly TimeSpan RelayRetry = TimeSpan.FromMilliseconds(250);

    private static bool IsForwarded(ServerCallContext context) => Peers.Hops(context) > 0;

    /// <summary>Carries a call out here if this process owns the instance or entity, and at its owner otherwise.</summary>
    private async Task<T> RouteAsync<T>(
        string id, ServerCallContext context, Func<TaskHubSidecarService.TaskHubSidecarServiceClient, CallOptions, AsyncUnaryCall<T>> remote, Func<HubEngine, HubState, Task<T>> local)
    {
        var partition = Partition.Of(id);
        if (!RequireEngine().Partitions.Owns(partition))
        {
            return await remote(Owner(partition, context), Peers.Forward(context));
        }

        var (engine, hub) = await HubAsync(context);
        return await local(engine, hub);
    }

    /// <summary>Carries out the completion of a work item where it came from; a token names its partition.</summary>
    private async Task<T> RouteTokenAsync<T>(
        string token, ServerCallContext context, Func<TaskHubSidecarService.TaskHubSidecarServiceClient, CallOptions, AsyncUnaryCall<T>> remote, Func<HubEngine, Task<T>> local)
    {
        var engine = RequireEngine();
        var partition = PartitionOf(token);
        if (engine.Partitions.Owns(partition))
        {
            return await local(engine);
        }

        var answer = await remote(Owner(partition, context), Peers.Forward(context));
        engine.Survivors.EndedElsewhere(token);
        return answer;
    }

    private static int PartitionOf(ReadOnlySpan<char> token)
    {
        var from = token.IndexOf(':') + 1;
        var length = from == 0 ? -1 : token[from..].IndexOf(':');
        return length > 0 && int.TryParse(token.Slice(from, length), NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            && partition < Partition.Count
                ? partition
                : throw new StaleTokenException();
    }

    private TaskHubSidecarService.TaskHubSidecarServiceClient Owner(int partition, ServerCallContext context)
        => Peers.Hops(context) < MaxHops && peers.AddressOf(partition) is { } address ? peers.At(address) : throw new NotOwnerException();

    /// <summary>Has the other processes send their work for a worker here, as long as it is connected.</summary>
    private async Task RelayAsync(HubEngine engine, WorkerConnection worker, CallOptions call, CancellationToken cancellationToken)
    {
        var relays = new Dictionary<string, (Task Task, CancellationTokenSource Stop)>(StringComparer.Ordinal);
        while (!cancellationToken.IsCancellationRequested)
        {
            var others = peers.Others;
            if (worker.Shares != others.Count + 1)
            {
                // Another number of processes: each gets another part of the worker's concurrency.
                worker.Shares = others.Count + 1;
                await StopAsync(relays);
            }

            foreach (var address in others.Where(address => !relays.ContainsKey(address)))
            {
                var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                relays[address] = (RelayAsync(engine, worker, address, call.WithCancellationToken(stop.Token)), stop);
            }

            await Task.Delay(RelayRetry, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await StopAsync(relays);
    }

    private async Task RelayAsync(HubEngine engine, WorkerConnection worker, string address, CallOptions options)
    {
        while (!options.CancellationToken.IsCancellationRequested && !worker.IsClosed)
        {
            try
            {
                using var call = peers.At(address).GetWorkItems(worker.RelayRequest(), options);
                await foreach (var item in call.ResponseStream.ReadAllAsync(options.CancellationToken))
                {
                    if (item.ActivityRequest is not null)
                    {
                        engine.Survivors.PassedOn(worker, item.CompletionToken);
                    }

                    worker.Send(item, isRelayed: true);
                }
            }
            catch (Exception) when (options.CancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is RpcException or ObjectDisposedException)
            {
                Logs.PeerAway(logger, address, exception.Message);
            }

            await Task.Delay(RelayRetry, options.CancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task StopAsync(Dictionary<string, (Task Task, CancellationTokenSource Stop)> relays)
    {
        foreach (var (task, stop) in relays.Values)
        {
            await stop.CancelAsync();
            await task;
            stop.Dispose();
        }

        relays.Clear();
    }

    private HubEngine RequireEngine() => host.Engine ?? throw new NotOwnerException();

    private async Task<(HubEngine Engine, HubState Hub)> HubAsync(ServerCallContext context)
    {
        var engine = RequireEngine();
        string? name = context.GetHttpContext().Request.Headers["taskhub"];
        return (engine, await engine.Hubs.FindAsync(string.IsNullOrEmpty(name) ? options.Value.DefaultHub : name, context.CancellationToken));
    }
}
