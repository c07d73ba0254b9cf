using System.Globalization;
using System.Text;

namespace AiPlatform.ServiceBusEmulator.Messages;

/// <summary>
/// Message ids as they are compared and remembered. The protocol has four types of ids; ids of different types are different ids, also
/// where their texts are equal.
/// </summary>
internal static class MessageIdentity
{
    private const char Typed = '\u0001';

    /// <summary>A text that two ids share only when they are the same; null for no id.</summary>
    internal static string? Of(object? id) => id switch
    {
        null => null,
        string text when text.StartsWith(Typed) || text.Contains('\0', StringComparison.Ordinal) => $"{Typed}s:{Convert.ToHexString(Encoding.UTF8.GetBytes(text))}",
        string text => text,
        byte[] bytes => $"{Typed}b:{Convert.ToHexString(bytes)}",
        ulong number => $"{Typed}u:{number.ToString(CultureInfo.InvariantCulture)}",
        Guid guid => $"{Typed}g:{guid:N}",
        _ => throw new InvalidMessageException(AmqpNames.ArgumentError, $"A message id is a string, binary, ulong or uuid, and not {id.GetType().Name}."),
    };
}
