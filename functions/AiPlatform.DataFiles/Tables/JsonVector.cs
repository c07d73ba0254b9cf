using System.Text.Json;

namespace AiPlatform.DataFiles.Tables;

/// <summary>Collects the values of one property.</summary>
internal sealed class JsonVector
{
    private readonly VectorKind _kind;
    private readonly string?[] _texts;
    private readonly long[] _integers;
    private readonly double[] _numbers;
    private readonly bool[] _nulls;

    public JsonVector(VectorKind kind, int capacity)
    {
        _kind = kind;
        _texts = kind == VectorKind.Text ? new string?[capacity] : [];
        _integers = kind is VectorKind.Integer or VectorKind.Boolean ? new long[capacity] : [];
        _numbers = kind == VectorKind.Number ? new double[capacity] : [];
        _nulls = kind == VectorKind.Text ? [] : new bool[capacity];
        Array.Fill(_nulls, true);
    }

    /// <summary>Sets a value; false when it is not of the column's kind.</summary>
    public bool TrySet(int row, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        switch (_kind)
        {
            case VectorKind.Text:
                return TryText(row, value);
            case VectorKind.Boolean when value.ValueKind is JsonValueKind.True or JsonValueKind.False:
                _integers[row] = value.ValueKind == JsonValueKind.True ? 1 : 0;
                break;
            case VectorKind.Integer when value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _integers[row]):
            case VectorKind.Number when value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out _numbers[row]) && double.IsFinite(_numbers[row]):
                break;
            default:
                return false;
        }

        _nulls[row] = false;
        return true;
    }

    /// <summary>The values of the first <paramref name="count"/> rows.</summary>
    public ColumnVector Build(int count) => _kind switch
    {
        VectorKind.Text => new ColumnVector(_texts, count),
        VectorKind.Number => new ColumnVector(_numbers, _nulls, count),
        _ => new ColumnVector(_kind, _integers, _nulls, count),
    };

    // Half of a surrogate pair is no text.
    private bool TryText(int row, JsonElement value)
    {
        try
        {
            _texts[row] = value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
