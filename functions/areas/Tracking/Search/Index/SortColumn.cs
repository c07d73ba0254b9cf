namespace AiPlatform.Tracking.Search.Index;

/// <summary>One column of an order over a table: numbers, or texts by their code points. NaN comes after numbers, what is missing last.</summary>
internal sealed class SortColumn
{
    private readonly bool _ascending;
    private readonly double?[]? _numbers;
    private readonly string?[]? _texts;

    public SortColumn(RunTable table, Ordering column)
    {
        _ascending = column.Ascending;
        if (RunValues.IsNumber(column.Kind, column.Key))
        {
            _numbers = table.Numbers(column.Kind, column.Key);
        }
        else
        {
            _texts = table.Texts(column.Kind, column.Key);
        }
    }

    /// <summary>Compares two rows.</summary>
    public int Compare(int left, int right) => _numbers is not null ? Compare(_numbers[left], _numbers[right]) : Compare(_texts![left], _texts[right]);

    private static int Rank(double? value) => value is null ? 2 : double.IsNaN(value.Value) ? 1 : 0;

    private int Compare(double? left, double? right)
    {
        var order = Rank(left).CompareTo(Rank(right));
        return order != 0 || left is null || double.IsNaN(left.Value) ? order : _ascending ? left.Value.CompareTo(right!.Value) : right!.Value.CompareTo(left.Value);
    }

    private int Compare(string? left, string? right)
        => left is null || right is null ? (left is null).CompareTo(right is null) : _ascending ? CodePoints(left, right) : CodePoints(right, left);

    // As bytes of UTF-8 compare. UTF-16 differs where a surrogate meets one of the last characters of its first plane.
    private static int CodePoints(string left, string right)
    {
        var same = left.AsSpan().CommonPrefixLength(right);
        if (same == left.Length || same == right.Length)
        {
            return left.Length.CompareTo(right.Length);
        }

        var (a, b) = (left[same], right[same]);
        return char.IsSurrogate(a) == char.IsSurrogate(b) ? a.CompareTo(b) : char.IsSurrogate(a).CompareTo(char.IsSurrogate(b));
    }
}
