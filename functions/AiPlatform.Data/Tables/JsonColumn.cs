using System.Text.Json;

namespace AiPlatform.Data.Tables;

/// <summary>What is known about a property of JSON lines.</summary>
internal sealed class JsonColumn(string name)
{
    private bool _text;
    private bool _integer;
    private bool _number;
    private bool _boolean;
    private bool _nested;

    public string Name { get; } = name;

    /// <summary>The kind that holds every value that was seen.</summary>
    public VectorKind Kind => (_text || _nested, _boolean, _number, _integer) switch
    {
        (false, true, false, false) => VectorKind.Boolean,
        (false, false, false, true) => VectorKind.Integer,
        (false, false, true, _) => VectorKind.Number,
        _ => VectorKind.Text,
    };

    /// <summary>Adds what a line tells.</summary>
    public static void Learn(List<JsonColumn> columns, JsonElement line, int max)
    {
        foreach (var property in line.EnumerateObject())
        {
            var column = columns.Find(candidate => candidate.Name == property.Name);
            if (column is null)
            {
                if (columns.Count == max)
                {
                    throw new DataFormatException(DataErrors.JsonLine, $"More than {max} properties.");
                }

                columns.Add(column = new JsonColumn(property.Name));
            }

            column.Learn(property.Value);
        }
    }

    public TableColumn ToColumn() => new(Name, Kind, _nested ? "json" : Kind switch
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
}
