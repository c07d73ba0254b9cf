using System.Runtime.InteropServices;

namespace AiPlatform.TaskHub.Engine;

/// <summary>
/// How often in a row workers gave a work item back, and since when. They do so on purpose when its version or name is not for them:
/// while a deployment replaces them that is no fault of the item.
/// </summary>
/// <param name="Count">How often.</param>
/// <param name="Since">When for the first time (UTC).</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Abandonments(int Count, DateTime Since)
{
    /// <summary>Once more.</summary>
    public Abandonments Again(DateTime now) => new(Count + 1, Count == 0 ? now : Since);

    /// <summary>Whether the item is taken for poison: it was given back often, and for longer than a deployment takes.</summary>
    public bool IsPoison(int limit, TimeSpan patience, DateTime now) => Count >= limit && now - Since >= patience;
}
