using System.Collections.Concurrent;
using AiPlatform.Hosting.ServiceBus;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.Compute.Queues;

/// <summary>The broker as the dispatcher sees it: a sender for each queue, kept for the life of the process.</summary>
internal sealed class TaskBus(IConfiguration configuration) : IAsyncDisposable
{
    private readonly ServiceBusClient? _client = ServiceBusConnection.TryCreate(configuration);
    private readonly ConcurrentDictionary<string, ServiceBusSender> _senders = new(StringComparer.Ordinal);

    /// <summary>Whether there is a broker; without one tasks are kept and wait.</summary>
    public bool IsConfigured => _client is not null;

    /// <summary>The sender of a queue.</summary>
    public ServiceBusSender Sender(string queue)
        => _senders.GetOrAdd(queue, (_client ?? throw new InvalidOperationException("Set ConnectionStrings__ServiceBus.")).CreateSender);

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.DisposeAsync();
        }
    }
}
