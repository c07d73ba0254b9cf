using System.Collections.Concurrent;
using AiPlatform.Messaging;
using Azure.Identity;

namespace AiPlatform.Functions.Features.Queues;

/// <summary>The broker as the dispatcher sees it: a sender for each queue, kept for the life of the process.</summary>
internal sealed class TaskBus : IAsyncDisposable
{
    private readonly ServiceBusClient? _client;
    private readonly ConcurrentDictionary<string, ServiceBusSender> _senders = new(StringComparer.Ordinal);

    /// <summary>Takes the connection string, or the same identity settings as the host's Service Bus triggers.</summary>
    public TaskBus(IConfiguration configuration)
    {
        _client = configuration.GetConnectionString("ServiceBus") is { Length: > 0 } connectionString ? new ServiceBusClient(connectionString)
            : configuration["ServiceBus:fullyQualifiedNamespace"] is { Length: > 0 } host ? new ServiceBusClient(
                host, new DefaultAzureCredential(new DefaultAzureCredentialOptions { ManagedIdentityClientId = configuration["ServiceBus:clientId"] }))
            : null;
    }

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
