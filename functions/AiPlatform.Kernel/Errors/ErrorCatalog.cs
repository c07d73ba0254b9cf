using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Texts;
using AiPlatform.Wording;

namespace AiPlatform.Kernel.Errors;

/// <summary>
/// Status and texts of every error code. Its texts are in the <see cref="TextCatalog"/>: a code has a title under its own name and a detail under <c>{code}.detail</c>.
/// </summary>
public static class ErrorCatalog
{
    private static readonly WordFormat EnglishWords = Words(chinese: false);
    private static readonly WordFormat ChineseWords = Words(chinese: true);

    private static readonly Dictionary<string, int> Statuses = new(StringComparer.Ordinal)
    {
        [ErrorCodes.InvalidRequest] = StatusCodes.Status400BadRequest,
        [ErrorCodes.InvalidPageToken] = StatusCodes.Status400BadRequest,
        [ErrorCodes.DependencyCycle] = StatusCodes.Status400BadRequest,
        [ErrorCodes.WeakPassword] = StatusCodes.Status400BadRequest,
        [ErrorCodes.RegistrationClosed] = StatusCodes.Status403Forbidden,
        [ErrorCodes.Unauthenticated] = StatusCodes.Status401Unauthorized,
        [ErrorCodes.InvalidCredentials] = StatusCodes.Status401Unauthorized,
        [ErrorCodes.InvalidRefreshToken] = StatusCodes.Status401Unauthorized,
        [ErrorCodes.Forbidden] = StatusCodes.Status403Forbidden,
        [ErrorCodes.NotFound] = StatusCodes.Status404NotFound,
        [ErrorCodes.MethodNotAllowed] = StatusCodes.Status405MethodNotAllowed,
        [ErrorCodes.AlreadyExists] = StatusCodes.Status409Conflict,
        [ErrorCodes.IllegalTransition] = StatusCodes.Status409Conflict,
        [ErrorCodes.NodeClaimed] = StatusCodes.Status409Conflict,
        [ErrorCodes.LogGap] = StatusCodes.Status409Conflict,
        [ErrorCodes.ValueConflict] = StatusCodes.Status409Conflict,
        [ErrorCodes.InUse] = StatusCodes.Status409Conflict,
        [ErrorCodes.PromotionRequired] = StatusCodes.Status409Conflict,
        [ErrorCodes.EvidenceMissing] = StatusCodes.Status409Conflict,
        [ErrorCodes.OwnRequest] = StatusCodes.Status403Forbidden,
        [ErrorCodes.QueueDraining] = StatusCodes.Status409Conflict,
        [ErrorCodes.IdempotencyInProgress] = StatusCodes.Status409Conflict,
        [ErrorCodes.IdempotencyAnswerNotKept] = StatusCodes.Status409Conflict,
        [ErrorCodes.Gone] = StatusCodes.Status410Gone,
        [ErrorCodes.ContentFreed] = StatusCodes.Status410Gone,
        [ErrorCodes.OrchestrationProtected] = StatusCodes.Status403Forbidden,
        [ErrorCodes.PreconditionFailed] = StatusCodes.Status412PreconditionFailed,
        [ErrorCodes.PayloadTooLarge] = StatusCodes.Status413PayloadTooLarge,
        [ErrorCodes.UnsupportedMediaType] = StatusCodes.Status415UnsupportedMediaType,
        [ErrorCodes.IdempotencyKeyReused] = StatusCodes.Status422UnprocessableEntity,
        [ErrorCodes.DatasetBlocked] = StatusCodes.Status409Conflict,
        [ErrorCodes.DataUnreadable] = StatusCodes.Status422UnprocessableEntity,
        [ErrorCodes.ContentMismatch] = StatusCodes.Status422UnprocessableEntity,
        [ErrorCodes.TooManyRequests] = StatusCodes.Status429TooManyRequests,
        [ErrorCodes.Internal] = StatusCodes.Status500InternalServerError,
        [ErrorCodes.NotImplemented] = StatusCodes.Status501NotImplemented,
        [ErrorCodes.Unavailable] = StatusCodes.Status503ServiceUnavailable,
    };

    /// <summary>Every known code.</summary>
    public static IEnumerable<string> Codes => Statuses.Keys;

    /// <summary>The HTTP status of a code; 500 for a code that is missing here.</summary>
    public static int StatusOf(string code) => Statuses.GetValueOrDefault(code, StatusCodes.Status500InternalServerError);

    /// <summary>The code that stands for a bare HTTP status.</summary>
    public static string CodeOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => ErrorCodes.Unauthenticated,
        StatusCodes.Status403Forbidden => ErrorCodes.Forbidden,
        StatusCodes.Status404NotFound => ErrorCodes.NotFound,
        StatusCodes.Status405MethodNotAllowed => ErrorCodes.MethodNotAllowed,
        StatusCodes.Status410Gone => ErrorCodes.Gone,
        StatusCodes.Status412PreconditionFailed => ErrorCodes.PreconditionFailed,
        StatusCodes.Status413PayloadTooLarge => ErrorCodes.PayloadTooLarge,
        StatusCodes.Status415UnsupportedMediaType => ErrorCodes.UnsupportedMediaType,
        StatusCodes.Status429TooManyRequests => ErrorCodes.TooManyRequests,
        StatusCodes.Status503ServiceUnavailable => ErrorCodes.Unavailable,
        >= 500 => ErrorCodes.Internal,
        _ => ErrorCodes.InvalidRequest,
    };

    /// <summary>The short text of a code.</summary>
    public static string Title(string code, bool chinese) => Text(code, chinese) ?? code;

    /// <summary>The text about this request; null when the code has none.</summary>
    public static string? Detail(string code, IReadOnlyList<object?> arguments, bool chinese)
    {
        // These carry the key of their reason as first argument: one code, many reasons.
        if (code is ErrorCodes.InvalidRequest or ErrorCodes.DataUnreadable or ErrorCodes.WeakPassword && arguments is [string reason, ..])
        {
            return Format(Text($"reason.{reason}", chinese) ?? reason, [.. arguments.Skip(1)], chinese);
        }

        return arguments.Count == 0 ? null : Format(Text($"{code}.detail", chinese), arguments, chinese);
    }

    /// <summary>Any text of the catalogue, for answers that explain and are no errors.</summary>
    public static string Message(string key, bool chinese, params object?[] arguments) => Format(Text(key, chinese), arguments, chinese) ?? key;

    /// <summary>A text with its placeholders.</summary>
    /// <exception cref="KeyNotFoundException">There is none under this key.</exception>
    public static string Raw(string key, bool chinese) => Text(key, chinese) ?? throw new KeyNotFoundException(key);

    /// <summary>Whether the caller prefers Chinese (<c>Accept-Language</c>, quality values respected). English is the default.</summary>
    public static bool PrefersChinese(HttpRequest request)
    {
        var header = request.Headers.AcceptLanguage.ToString();
        if (!header.Contains("zh", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        return request.GetTypedHeaders().AcceptLanguage
            .OrderByDescending(static language => language.Quality ?? 1)
            .Select(static language => language.Value.ToString())
            .FirstOrDefault(static tag => Is(tag, "zh") || Is(tag, "en")) is { } first && Is(first, "zh");

        static bool Is(string tag, string language)
            => tag.StartsWith(language, StringComparison.OrdinalIgnoreCase) && (tag.Length == 2 || tag[2] == '-');
    }

    private static string? Text(string key, bool chinese) => TextCatalog.Find(key, chinese);

    private static string? Format(string? format, IReadOnlyList<object?> arguments, bool chinese)
        => format is null ? null : (chinese ? ChineseWords : EnglishWords).Format(format, arguments);

    // A kind or status as people write it, and a sentence that is kept in English.
    private static WordFormat Words(bool chinese) => new((kind, value) => kind == "said" ? Sentences.Told(value, chinese) : Text($"word.{JsonNamingPolicy.CamelCase.ConvertName(value)}", chinese));
}
