using System.Globalization;
using System.Runtime.InteropServices;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Events;

/// <summary>
/// A place in the event stream. Rows are read in the order of (transaction, id), and only rows of transactions older than
/// every one that still runs: so a reader that has passed a place can have missed nothing before it.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct EventPosition(long Xid, long Id) : IComparable<EventPosition>
{
    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="ApiException">400 for any other text.</exception>
    public static EventPosition Parse(string text)
        => text.Split('-') is [var xid, var id]
            && long.TryParse(xid, NumberStyles.None, CultureInfo.InvariantCulture, out var x)
            && long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var i)
            ? new EventPosition(x, i)
            : throw ApiException.Invalid("Last-Event-ID", "wrongType");

    /// <inheritdoc />
    public int CompareTo(EventPosition other) => Xid == other.Xid ? Id.CompareTo(other.Id) : Xid.CompareTo(other.Xid);

    /// <summary>The event id of the SSE stream.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Xid}-{Id}");

    public static bool operator <(EventPosition left, EventPosition right) => left.CompareTo(right) < 0;

    public static bool operator >(EventPosition left, EventPosition right) => left.CompareTo(right) > 0;

    public static bool operator <=(EventPosition left, EventPosition right) => left.CompareTo(right) <= 0;

    public static bool operator >=(EventPosition left, EventPosition right) => left.CompareTo(right) >= 0;
}
