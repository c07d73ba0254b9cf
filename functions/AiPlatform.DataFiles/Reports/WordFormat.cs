using System.Globalization;

namespace AiPlatform.Wording;

/// <summary>
/// Fills sentences of a language. A placeholder may name what its value is: <c>{0:word}</c> for a word of the platform, such as a status or
/// the name of a type, that the language has a word for. Everything else is written as it is everywhere.
/// </summary>
/// <param name="translate">The text for a kind of value (such as <c>word</c>) and a value; null where the value stays as it is.</param>
internal sealed class WordFormat(Func<string, string, string?> translate) : IFormatProvider, ICustomFormatter
{
    /// <summary>Fills a sentence.</summary>
    public string Format(string sentence, IReadOnlyList<object?> values) => string.Format(this, sentence, [.. values]);

    /// <inheritdoc />
    public object? GetFormat(Type? formatType) => formatType == typeof(ICustomFormatter) ? this : CultureInfo.InvariantCulture.GetFormat(formatType);

    /// <inheritdoc />
    public string Format(string? format, object? arg, IFormatProvider? formatProvider)
        => format is "word" or "said"
            ? Convert.ToString(arg, CultureInfo.InvariantCulture) is { } value ? translate(format, value) ?? value : string.Empty
            : arg is IFormattable formattable ? formattable.ToString(format, CultureInfo.InvariantCulture) : arg?.ToString() ?? string.Empty;
}
