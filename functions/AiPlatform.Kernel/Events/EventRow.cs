namespace AiPlatform.Kernel.Events;

/// <summary>A row of <c>events</c>.</summary>
public sealed record EventRow
{
    public long Id { get; init; }

    public long Xid { get; init; }

    public required string Topic { get; init; }

    public required string Kind { get; init; }

    public required string Data { get; init; }

    public EventPosition Position => new(Xid, Id);
}
