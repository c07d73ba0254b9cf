using AiPlatform.ServiceBusEmulator.Storage;

namespace AiPlatform.ServiceBusEmulator.Queues;

/// <summary>An outcome that is ready to be written: alone, or together with the other work of a transaction. Its locks wait for it.</summary>
/// <param name="Operation">Makes it durable.</param>
/// <param name="Apply">Brings memory up to date after the commit.</param>
/// <param name="Undo">Gives the locks back as they were: nothing was written.</param>
internal sealed record Settlement(WriteOperation Operation, Action Apply, Action Undo)
{
    internal async Task WriteAsync(MessageWriter writer)
    {
        try
        {
            await writer.WriteAsync(Operation);
        }
        catch
        {
            Undo();
            throw;
        }

        Apply();
    }
}
