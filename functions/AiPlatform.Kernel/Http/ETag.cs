using System.Globalization;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Http;

/// <summary>Optimistic concurrency: the version of a row is its strong entity tag.</summary>
public static class ETag
{
    /// <summary>Announces the version of the entity in the answer.</summary>
    public static void Set(HttpResponse response, long version) => response.Headers.ETag = Format(version);

    /// <summary>
    /// The version that the caller expects (<c>If-Match</c>); null when the caller does not mind (no header, or <c>*</c>).
    /// Use it in the <c>WHERE</c> of the update: <c>(@expected::bigint IS NULL OR version = @expected)</c>.
    /// </summary>
    /// <exception cref="ApiException">412 when the tag cannot be one of ours.</exception>
    public static long? Expected(HttpRequest request)
    {
        var header = request.Headers.IfMatch.ToString();
        if (header.Length == 0 || header == "*")
        {
            return null;
        }

        return header is ['"', .. var digits, '"'] && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : throw new ApiException(ErrorCodes.PreconditionFailed);
    }

    private static string Format(long version) => string.Create(CultureInfo.InvariantCulture, $"\"{version}\"");
}
