using Azure.Messaging.ServiceBus;

namespace AiPlatform.Hosting.ServiceBus;

/// <summary>What becomes of a message whose handler is stopped in the middle.</summary>
public static class StoppedHandler
{
    /// <summary>
    /// The handler, with the promise that a message which it was told to leave goes to another consumer at once. By itself a processor that
    /// stops leaves such a message locked until the lock ends.
    /// </summary>
    public static Func<ProcessMessageEventArgs, Task> GivesBack(Func<ProcessMessageEventArgs, Task> handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return async arguments =>
        {
            try
            {
                await handle(arguments).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (arguments.CancellationToken.IsCancellationRequested)
            {
                await arguments.AbandonMessageAsync(arguments.Message, cancellationToken: CancellationToken.None).ConfigureAwait(false);
            }
        };
    }
}
