namespace AiPlatform.Functions.Infrastructure;

/// <summary>Identifiers: UUIDv7 as 32 lower-case hex digits, so that the order of ids is the order of creation.</summary>
internal static class Ids
{
    /// <summary>A new id.</summary>
    public static string New(TimeProvider time) => Guid.CreateVersion7(time.GetUtcNow()).ToString("N");

    /// <summary>Whether the text has the shape of an id.</summary>
    public static bool IsId(string text) => text.Length == 32 && text.All(static c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));
}
