using System.Text.Json;
using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Texts;

/// <summary>Says what a field or parameter holds and what it was given, in words of the API and not of this program.</summary>
public static partial class ExpectedShape
{
    private const string Text = "json.string";

    /// <summary>The answer for a value of a wrong type.</summary>
    /// <param name="field">The field's path.</param>
    /// <param name="type">What it holds.</param>
    /// <param name="given">What it was given, a word of the texts; null where nobody knows.</param>
    public static ApiException Wrong(string field, Type? type, string? given)
        => type is null ? ApiException.Invalid(field, "wrongType")
            : Nullable.GetUnderlyingType(type) is { } inner ? Wrong(field, inner, given)
            : type.IsEnum ? ApiException.Invalid(field, "oneOf", string.Join(", ", Names(type)))
            : Wrong(field, Word(type), given);

    /// <summary>The answer for a value of another shape.</summary>
    /// <param name="expected">What the field holds, a word of the texts.</param>
    /// <param name="given">What it was given, a word of the texts; null where nobody knows.</param>
    public static ApiException Wrong(string field, string? expected, string? given)
        => expected is null ? ApiException.Invalid(field, "wrongType")
            : given is null || given == expected ? ApiException.Invalid(field, "shape", expected)
            : ApiException.Invalid(field, "wrongShape", expected, given);

    /// <summary>The answer for JSON that does not fit.</summary>
    public static ApiException Wrong(string field, JsonException exception)
    {
        var given = TokenType().Match(exception.InnerException?.Message ?? string.Empty) is { Success: true } token ? OfToken(token.Groups["token"].Value) : null;
        return TypeName().Match(exception.Message) is { Success: true } name ? Wrong(field, At(Find(name.Groups["type"].Value), field), given) : ApiException.Invalid(field, "wrongType");
    }

    /// <summary>The answer for a parameter of the path or the query whose text does not parse.</summary>
    /// <param name="type">Its type as the program spells it, such as <c>int?</c>.</param>
    public static ApiException OfParameter(string field, string type) => Wrong(field, type.TrimEnd('?') switch
    {
        "int" or "long" or "short" => "json.integer",
        "double" or "float" or "decimal" => "json.number",
        "bool" => "json.boolean",
        "DateTimeOffset" or "DateTime" => "json.time",
        _ => null,
    }, Text);

    /// <summary>The word for a kind of JSON.</summary>
    public static string WordOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "json.object",
        JsonValueKind.Array => "json.list",
        JsonValueKind.String => Text,
        JsonValueKind.Number => "json.number",
        JsonValueKind.True or JsonValueKind.False => "json.boolean",
        _ => "json.null",
    };

    /// <summary>The names of an enumeration's values in the API.</summary>
    public static IEnumerable<string> Names(Type type) => Enum.GetNames(type).Select(static name => JsonNamingPolicy.CamelCase.ConvertName(name));

    private static string? Word(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Int16 or TypeCode.Int32 or TypeCode.Int64 or TypeCode.UInt32 or TypeCode.UInt64 or TypeCode.Byte => "json.integer",
        TypeCode.Double or TypeCode.Single or TypeCode.Decimal => "json.number",
        TypeCode.String => Text,
        TypeCode.Boolean => "json.boolean",
        TypeCode.DateTime => "json.time",
        _ when type == typeof(DateTimeOffset) => "json.time",
        _ when type == typeof(TimeSpan) || type == typeof(Guid) || type == typeof(Uri) => Text,
        _ when IsMap(type) => "json.object",
        _ => type != typeof(JsonElement) && typeof(System.Collections.IEnumerable).IsAssignableFrom(type) ? "json.list" : "json.object",
    };

    private static bool IsMap(Type type) => type.IsGenericType && type.GetGenericArguments().Length == 2;

    private static string? OfToken(string token) => token switch
    {
        "String" or "PropertyName" => Text,
        "Number" => "json.number",
        "True" or "False" => "json.boolean",
        "Null" => "json.null",
        "StartObject" => "json.object",
        "StartArray" => "json.list",
        _ => null,
    };

    // The serializer names the type of what holds the value where it has not begun to read the value itself.
    private static Type? At(Type? found, string path)
    {
        if (found is null || IsMap(found))
        {
            return null;
        }

        if (path.EndsWith(']'))
        {
            return found.IsGenericType ? found.GetGenericArguments()[0] : found.GetElementType() ?? found;
        }

        var name = path[(path.LastIndexOf('.') + 1)..];
        return found.GetProperties().FirstOrDefault(property => JsonNamingPolicy.CamelCase.ConvertName(property.Name) == name)?.PropertyType ?? found;
    }

    // The serializer names types as Type.ToString does.
    private static Type? Find(string name) => Type.GetType(name, static _ => null, static (_, part, ignoreCase) => Of(part, ignoreCase), throwOnError: false);

    private static Type? Of(string name, bool ignoreCase)
        => typeof(object).Assembly.GetType(name, throwOnError: false, ignoreCase) ?? typeof(ErrorCodes).Assembly.GetType(name, throwOnError: false, ignoreCase)
            ?? typeof(ExpectedShape).Assembly.GetType(name, throwOnError: false, ignoreCase) ?? typeof(JsonElement).Assembly.GetType(name, throwOnError: false, ignoreCase);

    [GeneratedRegex(@"token type '(?<token>[A-Za-z]+)'", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 100)]
    private static partial Regex TokenType();

    [GeneratedRegex(@"could not be converted to (?<type>.+?)\. Path:", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, 100)]
    private static partial Regex TypeName();
}
