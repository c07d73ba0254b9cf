namespace AiPlatform.DataFiles.Statistics;

/// <summary>Measures of how two columns go together.</summary>
public static class Association
{
    /// <summary>Pearson's correlation coefficient; NaN when a side is constant.</summary>
    public static double Pearson(ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        var (meanLeft, meanRight) = (Mean(left), Mean(right));
        var (product, squareLeft, squareRight) = (0d, 0d, 0d);
        for (var i = 0; i < left.Length; i++)
        {
            var (dl, dr) = (left[i] - meanLeft, right[i] - meanRight);
            product += dl * dr;
            squareLeft += dl * dl;
            squareRight += dr * dr;
        }

        return squareLeft > 0 && squareRight > 0 ? product / (Math.Sqrt(squareLeft) * Math.Sqrt(squareRight)) : double.NaN;
    }

    /// <summary>Spearman's rank correlation, equal values with their mean rank.</summary>
    public static double Spearman(ReadOnlySpan<double> left, ReadOnlySpan<double> right) => Pearson(Ranks(left), Ranks(right));

    /// <summary>The ranks of values from 1, equal values with their mean rank.</summary>
    public static double[] Ranks(ReadOnlySpan<double> values)
    {
        var order = new int[values.Length];
        for (var i = 0; i < order.Length; i++)
        {
            order[i] = i;
        }

        var keys = values.ToArray();
        Array.Sort(keys, order);
        var ranks = new double[values.Length];
        for (var i = 0; i < order.Length;)
        {
            var end = i;
            while (end < order.Length && keys[end] == keys[i])
            {
                end++;
            }

            for (var j = i; j < end; j++)
            {
                ranks[order[j]] = (i + end + 1) / 2d;
            }

            i = end;
        }

        return ranks;
    }

    /// <summary>Cramér's V of two categories, without bias correction; NaN when a side is constant.</summary>
    public static double CramersV(ReadOnlySpan<int> left, ReadOnlySpan<int> right)
    {
        var (rows, columns) = (0, 0);
        for (var i = 0; i < left.Length; i++)
        {
            (rows, columns) = (Math.Max(rows, left[i] + 1), Math.Max(columns, right[i] + 1));
        }

        var table = new double[rows, columns];
        for (var i = 0; i < left.Length; i++)
        {
            table[left[i], right[i]]++;
        }

        var (statistic, _) = ChiSquare(table);
        var smaller = Math.Min(rows, columns) - 1;
        return smaller > 0 && left.Length > 0 ? Math.Sqrt(statistic / left.Length / smaller) : double.NaN;
    }

    /// <summary>Pearson's chi-square statistic of a table of counts, and its degrees of freedom. Rows and columns must not be empty.</summary>
    public static (double Statistic, int Freedom) ChiSquare(double[,] table)
    {
        var (rows, columns) = (table.GetLength(0), table.GetLength(1));
        var (rowSums, columnSums, total) = (new double[rows], new double[columns], 0d);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                rowSums[row] += table[row, column];
                columnSums[column] += table[row, column];
                total += table[row, column];
            }
        }

        var statistic = 0d;
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
            {
                var expected = rowSums[row] * columnSums[column] / total;
                statistic += expected > 0 ? (table[row, column] - expected) * (table[row, column] - expected) / expected : 0;
            }
        }

        return (statistic, (rows - 1) * (columns - 1));
    }

    private static double Mean(ReadOnlySpan<double> values)
    {
        var sum = 0d;
        foreach (var value in values)
        {
            sum += value;
        }

        return sum / values.Length;
    }
}
