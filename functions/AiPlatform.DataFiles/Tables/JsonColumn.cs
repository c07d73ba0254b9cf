using System.Text.Json;

namespace AiPlatform.DataFiles.Tables;

/// <summary>What is known about a property of JSON lines.</summary>
internal sealed class JsonColumn(string name)
{
    private const int MaxDigits = 17;

    private bool _text;
    private bool _integer;
    private bool _number;
    private bool _boolean;
    private bool _nested;
    private bool _wide;

    public string Name { get; } = name;

    /// <summary>The kind that holds every value that was seen.</summary>
    public VectorKind Kind => (_text || _nested || _wide, _boolean, _number, _integer) switch
    {
        (false, true, false, false) => VectorKind.Boolean,
        (false, false, false, true) => VectorKind.Integer,
        (false, false, true, _) => VectorKind.Number,
        _ => VectorKind.Text,
    };

    /// <summary>Adds what a line tells.</summary>
    /// <exception cref="DataFormatException">There are more than are read.</exception>
    public static void Learn(OrderedDictionary<string, JsonColumn> columns, JsonElement line)
    {
        foreach (var property in line.EnumerateObject())
        {
            if (NameOf(property) is not { } name)
            {
                continue;
            }

            if (!columns.TryGetValue(name, out var column))
            {
                if (columns.Count == TableLimits.MaxColumns)
                {
                    throw TableLimits.TooManyColumns();
                }

                columns.Add(name, column = new JsonColumn(name));
            }

            column.Learn(property.Value);
        }
    }

    public TableColumn ToColumn() => new(Name, Kind, _nested ? "json" : _wide && !_text && !_boolean ? "text" : Kind switch
    {
        VectorKind.Boolean => "boolean",
        VectorKind.Integer => "integer",
        VectorKind.Number => "number",
        _ => "string",
    });

    private void Learn(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                _text = true;
                break;
            case JsonValueKind.Number when value.TryGetInt64(out _):
                _integer = true;
                break;
            case JsonValueKind.Number:
                _number = true;
                _wide |= !IsExact(value);
                break;
            case JsonValueKind.True or JsonValueKind.False:
                _boolean = true;
                break;
            case JsonValueKind.Object or JsonValueKind.Array:
                _nested = true;
                break;
            case JsonValueKind.Null or JsonValueKind.Undefined:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(value), value.ValueKind, "Unknown kind.");
        }
    }

    /// <summary>The name of a property; null where it has half of a surrogate pair or U+0000, which nothing that keeps names can keep.</summary>
    public static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name is { } name && !name.Contains('\0', StringComparison.Ordinal) ? name : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>
    /// Whether a double stands for the number as it is written: one such as 1e400, or of more than 17 digits, is kept as its text instead.
    /// </summary>
    public static bool IsExact(JsonElement number)
    {
        if (!number.TryGetDouble(out var value) || !double.IsFinite(value))
        {
            return false;
        }

        var text = number.GetRawText().AsSpan();
        var exponent = text.IndexOfAny('e', 'E');
        var significant = 0;
        foreach (var digit in exponent < 0 ? text : text[..exponent])
        {
            significant += char.IsAsciiDigit(digit) && (digit != '0' || significant > 0) ? 1 : 0;
        }

        // Not all that is written with 17 digits is told apart from its neighbours, but all that doubles are written with is.
        return significant <= MaxDigits && (value != 0 || significant == 0);
    }
}
