using System.Buffers;
using System.Globalization;
using System.Text;

namespace AiPlatform.TaskHub.Payloads;

/// <summary>
/// Stands in rows and in memory for a payload that is in Blob storage. It begins with a control character; a payload of a caller that
/// begins so is stored like a large one, so that nobody can name a payload that is not his.
/// </summary>
/// <param name="Blob">The blob's name: two digits of the partition whose owner stored it, and a random id.</param>
/// <param name="Length">The payload's length in UTF-8 bytes.</param>
internal sealed record PayloadToken(string Blob, long Length)
{
    /// <summary>The first character of every token.</summary>
    public const char Mark = '\u0001';

    private const string Prefix = "\u0001payload:";
    private const int BlobLength = 35;
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");

    /// <summary>Whether a payload is a token.</summary>
    public static bool Is(string? payload) => payload is not null && payload.Length > Prefix.Length + BlobLength + 1 && payload[0] == Mark && payload.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>A name for a new blob.</summary>
    public static string NewBlob(int partition) => $"{Folder(partition)}{Guid.NewGuid():N}";

    /// <summary>Where the blobs of a partition are.</summary>
    public static string Folder(int partition) => string.Create(CultureInfo.InvariantCulture, $"{partition:00}/");

    /// <summary>Reads a token; null when the payload is none.</summary>
    public static PayloadToken? Of(string? payload)
        => Is(payload) && payload![Prefix.Length + BlobLength] == ':' && IsBlob(payload.AsSpan(Prefix.Length, BlobLength))
            && long.TryParse(payload.AsSpan(Prefix.Length + BlobLength + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            ? new(payload.Substring(Prefix.Length, BlobLength), length)
            : null;

    // As NewBlob makes them.
    private static bool IsBlob(ReadOnlySpan<char> name)
        => char.IsAsciiDigit(name[0]) && char.IsAsciiDigit(name[1]) && name[2] == '/' && !name[3..].ContainsAnyExcept(Hex);

    /// <summary>The blobs that a serialised message names.</summary>
    public static IReadOnlyList<string> In(ReadOnlySpan<byte> message)
    {
        List<string>? blobs = null;
        ReadOnlySpan<byte> prefix = "\u0001payload:"u8;
        for (var start = message.IndexOf(prefix); start >= 0 && message.Length >= start + prefix.Length + BlobLength; start = message.IndexOf(prefix))
        {
            message = message[(start + prefix.Length)..];
            (blobs ??= []).Add(Encoding.UTF8.GetString(message[..BlobLength]));
        }

        return blobs ?? (IReadOnlyList<string>)[];
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Blob}:{Length}");
}
