using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Quality;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Expectations about dates, quantiles and several columns; and suites that hold what is not known.</summary>
public sealed class ExpectationTests
{
    private const string Csv =
        "id,region,from,to,price,paid\n1,N,2024-01-01,2024-02-01,10,10.0\n2,N,2024-01-15,2024-01-10,20,20\n2,S,2024-03-01,2024-03-01,30,31\n3,S,,2024-05-01,40,40\n4,,,,,\n";

    [Theory]
    [InlineData("expect_column_values_to_be_between", "column: from, min_value: 2024-01-01, max_value: 2024-02-29", false, 1)]
    [InlineData("expect_column_values_to_be_between", "column: from, min_value: '2024-01-01 00:00:00'", true, 0)]
    [InlineData("expect_column_values_to_be_between", "column: from, min_value: 2024-01-01, strict_min: true", false, 1)]
    [InlineData("expect_column_values_to_be_between", "column: region, max_value: 2024-01-01", false, 4)]
    [InlineData("expect_column_min_to_be_between", "column: from, min_value: 2024-01-01, max_value: 2024-01-01", true, 0)]
    [InlineData("expect_column_max_to_be_between", "column: to, max_value: 2024-04-01", false, 0)]
    [InlineData("expect_column_quantile_values_to_be_between", "column: price, quantile_ranges: {quantiles: [0, 0.5, 1], value_ranges: [[10, 10], [24.9, 25.1], [40, null]]}", true, 0)]
    [InlineData("expect_column_quantile_values_to_be_between", "column: price, quantile_ranges: {quantiles: [0.25], value_ranges: [[17.4, 17.6]]}", true, 0)]
    [InlineData("expect_column_quantile_values_to_be_between", "column: price, quantile_ranges: {quantiles: [0.25], value_ranges: [[null, 17]]}", false, 0)]
    [InlineData("expect_column_quantile_values_to_be_between", "column: region, quantile_ranges: {quantiles: [0.5], value_ranges: [[0, 1]]}", false, 0)]
    [InlineData("expect_compound_columns_to_be_unique", "column_list: [id, region]", true, 0)]
    [InlineData("expect_compound_columns_to_be_unique", "column_list: [region, region]", false, 2)]
    [InlineData("expect_multicolumn_values_to_be_unique", "column_list: [id, from]", true, 0)]
    [InlineData("expect_select_column_values_to_be_unique_within_record", "column_list: [price, paid]", false, 3)]
    [InlineData("expect_multicolumn_sum_to_equal", "column_list: [price, paid], sum_total: 40, ignore_row_if: any_value_is_missing", false, 3)]
    [InlineData("expect_column_pair_values_to_be_equal", "column_A: price, column_B: paid", false, 1)]
    [InlineData("expect_column_pair_values_to_be_equal", "column_A: price, column_B: paid, mostly: 0.7", true, 1)]
    [InlineData("expect_column_pair_values_a_to_be_greater_than_b", "column_A: to, column_B: from, ignore_row_if: either_value_is_missing", false, 2)]
    [InlineData("expect_column_pair_values_a_to_be_greater_than_b", "column_A: to, column_B: from, or_equal: true, ignore_row_if: either_value_is_missing", false, 1)]
    [InlineData("expect_column_pair_values_a_to_be_greater_than_b", "column_A: to, column_B: from, or_equal: true", false, 2)]
    [InlineData("expect_column_pair_values_to_be_in_set", "column_A: id, column_B: region, value_pairs_set: [[1, N], [2, N], [2, S], [3, S], [4, null]]", true, 0)]
    [InlineData("expect_column_pair_values_to_be_in_set", "column_A: id, column_B: region, value_pairs_set: [[1.0, N]]", false, 4)]
    [InlineData("expect_column_values_to_be_increasing", "column: id", true, 0)]
    [InlineData("expect_column_values_to_be_increasing", "column: id, strictly: true", false, 1)]
    [InlineData("expect_column_values_to_be_decreasing", "column: price", false, 3)]
    [InlineData("expect_column_values_to_be_in_type_list", "column: price, type_list: [float, int64]", true, 0)]
    [InlineData("expect_column_values_to_be_dateutil_parseable", "column: from", true, 0)]
    [InlineData("expect_column_pair_values_to_be_equal", "column_A: price, column_B: nothing", false, 0)]
    public async Task Dates_quantiles_and_several_columns_are_judged(string type, string kwargs, bool success, long unexpected)
    {
        var result = Assert.Single(await JudgeAsync($"expectations:\n  - type: {type}\n    kwargs: {{{kwargs}}}\n"));
        Assert.True((type, success, unexpected) == (result.Type, result.Success, result.Unexpected), result.ToString());
    }

    [Fact]
    public async Task An_expectation_that_is_not_known_fails_alone_and_says_why()
    {
        var results = await JudgeAsync(
            """
            {"name": "suite", "expectations": [
              {"type": "expect_column_kl_divergence_to_be_less_than", "kwargs": {"column": "price", "threshold": 0.1, "partition_object": {}}, "meta": {}},
              {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "price", "row_condition": "id > 1", "condition_parser": "pandas"}},
              {"type": "expect_column_to_exist", "kwargs": {"column": "price", "result_format": "COMPLETE", "batch_id": "b"}, "id": "1"}
            ], "meta": {"great_expectations_version": "1.3.0"}}
            """);
        Assert.Equal(3, results.Count);
        Assert.True(results.Single(static result => result.Type == "expect_column_to_exist").Success);
        var unknown = results.Single(static result => result.Type == "expect_column_kl_divergence_to_be_less_than");
        Assert.Equal((false, "price", "this expectation is not known"), (unknown.Success, unknown.Column, unknown.Problem));
        Assert.Equal((false, "row_condition is not supported"), results.Where(static result => result.Type == "expect_column_values_to_not_be_null").Select(static result => (result.Success, result.Problem)).Single());
    }

    [Fact]
    public async Task Days_and_months_are_bounded_in_the_order_that_is_told()
    {
        const string Expectations = "expectations: [{type: expect_column_values_to_be_between, kwargs: {column: d, min_value: 2024-01-01, max_value: 2024-02-28}}]";
        var plan = QualityPlanReader.Parse($"reading: {{dateOrder: dayFirst}}\n{Expectations}");
        var day = Assert.Single((await ProfileTests.PartAsync("d,n\n01/02/2024,1\n05/01/2024,2\n", plan)).Expectations);
        Assert.True(day.Success, day.ToString());
        var month = Assert.Single((await ProfileTests.PartAsync("d,n\n01/02/2024,1\n05/01/2024,2\n", QualityPlanReader.Parse($"reading: {{dateOrder: monthFirst}}\n{Expectations}"))).Expectations);
        Assert.Equal(1, month.Unexpected);
    }

    [Fact]
    public void Expectations_that_nobody_could_judge_are_not_met()
    {
        var plan = QualityPlanReader.Parse("expectations: [{type: expect_column_to_exist, severity: critical, kwargs: {column: a}}]");
        var document = QualityAssembler.Assemble(new QualitySubject("set", 1, DateTimeOffset.UnixEpoch, 1, 100, 0, 1), [QualityPart.Empty], plan, null);
        Assert.True(document is { Passed: false, Blocked: true });
        Assert.Equal("there is no table", Assert.Single(document.Expectations).Problem);
    }

    private static async Task<IReadOnlyList<ExpectationResult>> JudgeAsync(string yaml)
        => (await ProfileTests.PartAsync(Csv, QualityPlanReader.Parse(yaml))).Expectations;
}
