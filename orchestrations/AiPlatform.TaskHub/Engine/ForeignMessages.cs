using AiPlatform.TaskHub.Protobuf;
using AiPlatform.TaskHub.Payloads;
using AiPlatform.TaskHub.Storage;

namespace AiPlatform.TaskHub.Engine;

/// <summary>Messages that other processes sent to partitions of this one.</summary>
internal sealed class ForeignMessages(EngineContext context, OwnedPartitions partitions, HubCatalog hubs, MessageRouter router) : IDisposable
{
    private const int MessagePage = 1000;

    private readonly Bell _bell = new();

    /// <summary>Other processes have sent something.</summary>
    public void Ring()
    {
        lock (context.Gate)
        {
            _bell.Ring();
        }
    }

    /// <summary>Carries out what other processes sent to our partitions, until the engine stops. It looks when told to, and now and then.</summary>
    public async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await _bell.WaitAsync(context.Options.MessagePoll, cancellationToken);
            while (partitions.Owned is { Length: > 0 } owned && await context.Reader.MessagesAsync(owned, MessagePage, cancellationToken) is { Count: > 0 } rows)
            {
                var known = await hubs.KnownAsync(cancellationToken);
                Task[] written;
                lock (context.Gate)
                {
                    written = [.. rows.Where(row => partitions.Has(row.Partition)).Select(row => Receive(known.GetValueOrDefault(row.Hub), row))];
                }

                // The next look must not find them again.
                await Task.WhenAll(written);
                if (written.Length < MessagePage)
                {
                    break;
                }
            }
        }
    }

    public void Dispose() => _bell.Dispose();

    private Task Receive(HubState? hub, MessageRow row)
    {
        var commit = new Commit { MessagesDone = { row.Id } };
        if (PayloadToken.In(row.Payload).Count > 0)
        {
            commit.PayloadsFreed.Add(PayloadRows.OfMessage(row.Id));
        }

        if (hub is not null)
        {
            router.Deliver(commit, hub, new(row.Target, HistoryEvent.Parser.ParseFrom(row.Payload), row.ExecutionId, row.SenderKey));
        }

        return context.Write(commit);
    }
}
