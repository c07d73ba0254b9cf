using System.Buffers.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Paging;

/// <summary>
/// Opaque keyset tokens: the sort keys of the last row of a page. They carry no rights: a forged token only moves the
/// caller within the list that the caller may see anyway.
/// </summary>
public static class PageToken
{
    /// <summary>Makes the token that continues after the row with these sort keys.</summary>
    public static string Encode(params string[] keys) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(keys));

    /// <summary>Reads a token of <paramref name="count"/> keys; null when there is none.</summary>
    /// <exception cref="ApiException">400 <c>invalid_page_token</c>.</exception>
    public static string[]? Decode(string? token, int count)
    {
        if (string.IsNullOrEmpty(token))
        {
            return null;
        }

        try
        {
            var keys = JsonSerializer.Deserialize<string[]>(Base64Url.DecodeFromChars(token));
            if (keys?.Length == count && Array.TrueForAll(keys, static key => key is not null && !key.Contains('\0', StringComparison.Ordinal)))
            {
                return keys;
            }
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            // Answered below, like a token of another list.
        }

        throw new ApiException(ErrorCodes.InvalidPageToken) { Field = "pageToken" };
    }
}
