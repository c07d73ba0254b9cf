using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Kernel.Garbage;

/// <summary>
/// What an area knows about the blobs of a container. Register with <c>services.AddSingleton&lt;IGarbageSource, T&gt;()</c>; several may know
/// blobs of the same container.
/// </summary>
public interface IGarbageSource
{
    /// <summary>The container whose blobs it knows.</summary>
    string Container { get; }

    /// <summary>Those of these blobs that something of the area still refers to.</summary>
    /// <param name="work">The transaction that holds the queue's rows of these blobs.</param>
    /// <param name="names">Blobs of the container.</param>
    Task<IReadOnlyCollection<string>> ReferencedAsync(UnitOfWork work, string[] names);
}
