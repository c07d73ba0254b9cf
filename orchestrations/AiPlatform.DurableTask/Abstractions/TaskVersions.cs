using System.Globalization;

namespace AiPlatform.DurableTask;

/// <summary>The order of task versions, the same in all SDKs.</summary>
internal static class TaskVersions
{
    private const int MaxNumbers = 4;

    /// <summary>Below zero when <paramref name="left"/> is older.</summary>
    public static int Compare(string? left, string? right)
    {
        if (string.IsNullOrWhiteSpace(left) || string.IsNullOrWhiteSpace(right))
        {
            return (string.IsNullOrWhiteSpace(left) ? 0 : 1) - (string.IsNullOrWhiteSpace(right) ? 0 : 1);
        }

        if (Numbers(left) is not { } a || Numbers(right) is not { } b)
        {
            return string.Compare(left, right, StringComparison.OrdinalIgnoreCase);
        }

        // Missing numbers count as zero: 2 is 2.0.
        return Enumerable.Range(0, MaxNumbers).Select(index => a.ElementAtOrDefault(index).CompareTo(b.ElementAtOrDefault(index))).FirstOrDefault(order => order != 0);
    }

    private static int[]? Numbers(string version)
    {
        var parts = version.Split('.');
        var numbers = new int[parts.Length];
        return parts.Length <= MaxNumbers && parts.Index().All(part => int.TryParse(part.Item, NumberStyles.None, CultureInfo.InvariantCulture, out numbers[part.Index]))
            ? numbers
            : null;
    }
}
