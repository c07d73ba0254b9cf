namespace AiPlatform.Kernel.Delivery;

/// <summary>What the engine knows of a row under lease; a channel's own type adds the columns that it reads.</summary>
public abstract record DeliveryRow
{
    /// <summary>The same at every attempt: receivers know a repeat by it.</summary>
    public required string Id { get; init; }

    /// <summary>Whom it is for. Rows of one key are delivered one after the other.</summary>
    public required string Key { get; init; }

    /// <summary>This one included.</summary>
    public int Attempts { get; init; }

    /// <summary>Its place among the rows that were leased with it.</summary>
    public long Place { get; init; }
}
