using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;

namespace AiPlatform.Kernel.Errors;

/// <summary>Checks of request fields; each failure is a 400 that names the field.</summary>
public static partial class Check
{
    // Before it is brought to its normal form.
    private const int MaxName = 512;

    /// <summary>A project name: 1–63 lower-case letters, digits and hyphens, beginning with a letter or digit. It must not look like an id.</summary>
    public static string Slug(string? value, string field)
        => value is not null && SlugPattern().IsMatch(value) && !Ids.IsId(value) ? value : throw ApiException.Invalid(field, "slug");

    /// <summary>
    /// A name of other things: 1–128 letters and digits of any script, <c>. _ -</c>, beginning with a letter or digit. It must not look
    /// like an id.
    /// </summary>
    /// <returns>The name as it is kept, in Unicode's normal form C.</returns>
    public static string Name(string? value, string field)
        => value is { Length: <= MaxName } && FilePath.Normal(value) is var name && NamePattern().IsMatch(name) && !Ids.IsId(name) ? name : throw ApiException.Invalid(field, "name");

    /// <summary>Any text of at most <paramref name="max"/> characters, without NUL (which PostgreSQL cannot store).</summary>
    public static string? Text(string? value, string field, int max)
        => value is null || (value.Length <= max && !value.Contains('\0', StringComparison.Ordinal)) ? value : throw ApiException.Invalid(field, "length", 0, max);

    /// <summary>A text of <paramref name="min"/> to <paramref name="max"/> characters.</summary>
    public static string Length(string? value, string field, int min, int max)
        => value is not null && value.Length >= min && value.Length <= max && !value.Contains('\0', StringComparison.Ordinal)
            ? value
            : throw ApiException.Invalid(field, "length", min, max);

    /// <summary>A number from <paramref name="min"/> to <paramref name="max"/>.</summary>
    public static T Range<T>(T value, string field, T min, T max)
        where T : IComparable<T>
        => value.CompareTo(min) >= 0 && value.CompareTo(max) <= 0 ? value : throw ApiException.Invalid(field, "range", min, max);

    /// <summary>One of the names of an enumeration: a number that stands for none of them is refused.</summary>
    public static void Defined<T>(T value, string field)
        where T : struct, Enum
        => That(Enum.IsDefined(value), field, "oneOf", string.Join(", ", ExpectedShape.Names(typeof(T))));

    /// <summary>JSON of a kind.</summary>
    public static void Kind(JsonElement value, string field, JsonValueKind expected)
    {
        if (value.ValueKind != expected)
        {
            throw ExpectedShape.Wrong(field, ExpectedShape.WordOf(expected), ExpectedShape.WordOf(value.ValueKind));
        }
    }

    /// <summary>Any condition; <paramref name="reason"/> is a key <c>reason.*</c> of the error texts.</summary>
    public static void That(bool condition, string field, string reason, params object?[] args)
    {
        if (!condition)
        {
            throw ApiException.Invalid(field, reason, args);
        }
    }

    /// <summary>JSON that can be stored: see <see cref="StorableJson"/>.</summary>
    /// <param name="value">The field's value.</param>
    /// <param name="field">Its name.</param>
    /// <param name="maxBytes">Of its shortest form as UTF-8.</param>
    public static void Json(JsonElement value, string field, int maxBytes)
    {
        switch (StorableJson.Check(value, maxBytes))
        {
            case JsonFault.None:
                break;
            case JsonFault.Size:
                throw ApiException.Invalid(field, "json.size", maxBytes);
            case JsonFault.Depth:
                throw ApiException.Invalid(field, "json.depth", StorableJson.MaxDepth);
            case JsonFault.Nul:
                throw ApiException.Invalid(field, "json.nul");
            case JsonFault.Surrogate:
                throw ApiException.Invalid(field, "json.surrogate");
            case JsonFault.Number:
                throw ApiException.Invalid(field, "json.number");
            case var fault:
                throw new ArgumentOutOfRangeException(nameof(value), fault, "Unknown fault.");
        }
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9-]{0,62}\z", RegexOptions.CultureInvariant, 100)]
    private static partial Regex SlugPattern();

    [GeneratedRegex(@"^[\p{L}\p{Nd}][\p{L}\p{M}\p{Nd}._-]{0,127}\z", RegexOptions.CultureInvariant, 100)]
    private static partial Regex NamePattern();
}
