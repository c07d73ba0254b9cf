using System.Runtime.CompilerServices;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>What the official client can do and does not offer in public yet.</summary>
internal static class HiddenOperations
{
    public static Task<int> DeleteAsync(this ServiceBusReceiver receiver, int count, DateTimeOffset? before = null) => Delete(receiver, count, before, CancellationToken.None);

    public static Task<int> PurgeAsync(this ServiceBusReceiver receiver) => Purge(receiver, null, CancellationToken.None);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "DeleteMessagesAsync")]
    private static extern Task<int> Delete(ServiceBusReceiver receiver, int messageCount, DateTimeOffset? beforeEnqueueTime, CancellationToken cancellationToken);

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "PurgeMessagesAsync")]
    private static extern Task<int> Purge(ServiceBusReceiver receiver, DateTimeOffset? beforeEnqueueTime, CancellationToken cancellationToken);
}
