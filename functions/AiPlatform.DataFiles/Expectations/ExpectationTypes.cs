namespace AiPlatform.DataFiles.Expectations;

/// <summary>The expectations that can be stated, and what each must name.</summary>
internal static class ExpectationTypes
{
    /// <summary>What an expectation must name.</summary>
    [Flags]
    public enum Needs
    {
        None = 0,
        Column = 1,
        Bounds = 2,
        Values = 4,
        Regex = 8,
        TypeName = 16,
        Exact = 32,
        Pair = 64,
        Columns = 128,
        Quantiles = 256,
        Pairs = 512,
        Times = 1024,
    }

    /// <summary>Those that judge values one by one.</summary>
    public static readonly IReadOnlyDictionary<string, Needs> OfValues = new Dictionary<string, Needs>(StringComparer.Ordinal)
    {
        ["expect_column_values_to_not_be_null"] = Needs.Column,
        ["expect_column_values_to_be_null"] = Needs.Column,
        ["expect_column_values_to_be_between"] = Needs.Column | Needs.Bounds | Needs.Times,
        ["expect_column_values_to_be_in_set"] = Needs.Column | Needs.Values,
        ["expect_column_values_to_not_be_in_set"] = Needs.Column | Needs.Values,
        ["expect_column_values_to_match_regex"] = Needs.Column | Needs.Regex,
        ["expect_column_values_to_not_match_regex"] = Needs.Column | Needs.Regex,
        ["expect_column_values_to_be_unique"] = Needs.Column,
        ["expect_column_value_lengths_to_be_between"] = Needs.Column | Needs.Bounds,
        ["expect_column_value_lengths_to_equal"] = Needs.Column | Needs.Exact,
        ["expect_column_distinct_values_to_be_in_set"] = Needs.Column | Needs.Values,
        ["expect_column_values_to_be_increasing"] = Needs.Column,
        ["expect_column_values_to_be_decreasing"] = Needs.Column,
        ["expect_column_values_to_be_dateutil_parseable"] = Needs.Column,
        ["expect_column_values_to_be_json_parseable"] = Needs.Column,
    };

    /// <summary>Those that judge several columns of a row together.</summary>
    public static readonly IReadOnlyDictionary<string, Needs> OfRows = new Dictionary<string, Needs>(StringComparer.Ordinal)
    {
        ["expect_compound_columns_to_be_unique"] = Needs.Columns,
        ["expect_multicolumn_values_to_be_unique"] = Needs.Columns,
        ["expect_select_column_values_to_be_unique_within_record"] = Needs.Columns,
        ["expect_multicolumn_sum_to_equal"] = Needs.Columns | Needs.Exact,
        ["expect_column_pair_values_to_be_equal"] = Needs.Pair,
        ["expect_column_pair_values_a_to_be_greater_than_b"] = Needs.Pair,
        ["expect_column_pair_values_to_be_in_set"] = Needs.Pair | Needs.Pairs,
    };

    /// <summary>Those that judge what was counted.</summary>
    public static readonly IReadOnlyDictionary<string, Needs> OfTables = new Dictionary<string, Needs>(StringComparer.Ordinal)
    {
        ["expect_column_to_exist"] = Needs.Column,
        ["expect_column_quantile_values_to_be_between"] = Needs.Column | Needs.Quantiles,
        ["expect_column_values_to_be_in_type_list"] = Needs.Column | Needs.Values,
        ["expect_column_values_to_be_of_type"] = Needs.Column | Needs.TypeName,
        ["expect_column_mean_to_be_between"] = Needs.Column | Needs.Bounds,
        ["expect_column_median_to_be_between"] = Needs.Column | Needs.Bounds,
        ["expect_column_min_to_be_between"] = Needs.Column | Needs.Bounds | Needs.Times,
        ["expect_column_max_to_be_between"] = Needs.Column | Needs.Bounds | Needs.Times,
        ["expect_column_stdev_to_be_between"] = Needs.Column | Needs.Bounds,
        ["expect_column_sum_to_be_between"] = Needs.Column | Needs.Bounds,
        ["expect_column_unique_value_count_to_be_between"] = Needs.Column | Needs.Bounds,
        ["expect_column_proportion_of_unique_values_to_be_between"] = Needs.Column | Needs.Bounds,
        ["expect_column_proportion_of_non_null_values_to_be_between"] = Needs.Column | Needs.Bounds,
        ["expect_table_row_count_to_be_between"] = Needs.Bounds,
        ["expect_table_row_count_to_equal"] = Needs.Exact,
        ["expect_table_column_count_to_be_between"] = Needs.Bounds,
        ["expect_table_column_count_to_equal"] = Needs.Exact,
        ["expect_table_columns_to_match_ordered_list"] = Needs.Values,
        ["expect_table_columns_to_match_set"] = Needs.Values,
    };

    /// <summary>What the expectation must name; null for one that is not known.</summary>
    public static Needs? Find(string type) => OfValues.TryGetValue(type, out var needs) || OfRows.TryGetValue(type, out needs) || OfTables.TryGetValue(type, out needs) ? needs : null;
}
