using System.Globalization;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Quality;
using AiPlatform.DataFiles.Reports;
using Xunit.Abstractions;

namespace AiPlatform.Tests.DataFiles;

public sealed class QualityTests(ITestOutputHelper output)
{
    private const string Csv = "id,age,country,email\n1,30,CN,a@example.com\n2,41,DE,b@example.com\n3,,CN,c@example.com\n4,200,XX,not mail\n4,25,DE,d@example.com\n";

    [Theory]
    [InlineData("expect_column_values_to_not_be_null", "column: age", false, 1L)]
    [InlineData("expect_column_values_to_not_be_null", "column: age, mostly: 0.8", true, 1L)]
    [InlineData("expect_column_values_to_be_null", "column: age", false, 4L)]
    [InlineData("expect_column_values_to_be_between", "column: age, min_value: 0, max_value: 120", false, 1L)]
    [InlineData("expect_column_values_to_be_between", "column: age, min_value: 25, strict_min: true", false, 1L)]
    [InlineData("expect_column_values_to_be_unique", "column: id", false, 1L)]
    [InlineData("expect_column_values_to_be_unique", "column: email", true, 0L)]
    [InlineData("expect_column_values_to_match_regex", "column: email, regex: '^[^@]+@[^@]+$'", false, 1L)]
    [InlineData("expect_column_values_to_not_match_regex", "column: country, regex: '^X'", false, 1L)]
    [InlineData("expect_column_values_to_be_in_set", "column: country, value_set: [CN, DE]", false, 1L)]
    [InlineData("expect_column_values_to_not_be_in_set", "column: id, value_set: [3.0]", false, 1L)]
    [InlineData("expect_column_value_lengths_to_equal", "column: country, value: 2", true, 0L)]
    [InlineData("expect_column_value_lengths_to_be_between", "column: email, max_value: 8", false, 4L)]
    [InlineData("expect_column_to_exist", "column: nothing", false, 0L)]
    [InlineData("expect_column_values_to_be_in_set", "column: nothing, value_set: [1]", false, 0L)]
    [InlineData("expect_column_values_to_be_of_type", "column: age, type_: int64", true, 0L)]
    [InlineData("expect_column_values_to_be_of_type", "column: email, type_: float", false, 0L)]
    [InlineData("expect_column_mean_to_be_between", "column: age, min_value: 70, max_value: 80", true, 0L)]
    [InlineData("expect_column_median_to_be_between", "column: age, min_value: 35.5, max_value: 35.5", true, 0L)]
    [InlineData("expect_column_max_to_be_between", "column: age, max_value: 120", false, 0L)]
    [InlineData("expect_column_min_to_be_between", "column: age, min_value: 25", true, 0L)]
    [InlineData("expect_column_sum_to_be_between", "column: age, min_value: 296, max_value: 296", true, 0L)]
    [InlineData("expect_column_stdev_to_be_between", "column: country, min_value: 0", false, 0L)]
    [InlineData("expect_column_unique_value_count_to_be_between", "column: country, min_value: 3, max_value: 3", true, 0L)]
    [InlineData("expect_column_proportion_of_unique_values_to_be_between", "column: id, min_value: 0.9", false, 0L)]
    [InlineData("expect_table_row_count_to_be_between", "min_value: 5, max_value: 5", true, 0L)]
    [InlineData("expect_table_row_count_to_equal", "value: 6", false, 0L)]
    [InlineData("expect_table_column_count_to_equal", "value: 4", true, 0L)]
    [InlineData("expect_table_columns_to_match_ordered_list", "column_list: [id, age, country, email]", true, 0L)]
    [InlineData("expect_table_columns_to_match_set", "column_set: [email, id, age]", false, 0L)]
    public async Task Expectations_are_judged(string type, string kwargs, bool success, long unexpected)
    {
        var plan = QualityPlanReader.Parse($"expectations:\n  - type: {type}\n    kwargs: {{{kwargs}}}\n");
        var result = Assert.Single((await ProfileTests.PartAsync(Csv, plan)).Expectations);
        Assert.Equal((type, success, unexpected), (result.Type, result.Success, result.Unexpected));
    }

    [Theory]
    [InlineData("expectations:\n  - kwargs: {column: a}\n", "expectations[0].type")]
    [InlineData("reading: {encoding: klingon}", "reading.encoding")]
    [InlineData("reading: {delimiter: ab}", "reading.delimiter")]
    [InlineData("reading: {dateOrder: yearFirst}", "reading.dateOrder")]
    [InlineData("expectations: [{type: expect_column_values_to_be_between, kwargs: {column: a, min_value: 2024-01-01, max_value: 3}}]", "expectations[0].kwargs.min_value")]
    [InlineData("expectations: [{type: expect_column_quantile_values_to_be_between, kwargs: {column: a, quantile_ranges: {quantiles: [0.5], value_ranges: []}}}]", "expectations[0].kwargs.quantile_ranges")]
    [InlineData("expectations: [{type: expect_compound_columns_to_be_unique, kwargs: {column_list: [a]}}]", "expectations[0].kwargs.column_list")]
    [InlineData("expectations:\n  - type: expect_column_to_exist\n", "expectations[0].kwargs.column")]
    [InlineData("expectations:\n  - type: expect_column_values_to_be_between\n    kwargs: {column: a}\n", "expectations[0].kwargs.min_value")]
    [InlineData("expectations:\n  - type: expect_column_values_to_be_between\n    kwargs: {column: a, min_value: 3, max_value: 2}\n", "expectations[0].kwargs.min_value")]
    [InlineData("expectations:\n  - type: expect_column_values_to_be_between\n    kwargs: {column: a, min_value: x}\n", "expectations[0].kwargs.min_value")]
    [InlineData("expectations:\n  - type: expect_column_values_to_not_be_null\n    kwargs: {column: a, mostly: 2}\n", "expectations[0].kwargs.mostly")]
    [InlineData("expectations:\n  - type: expect_column_values_to_match_regex\n    kwargs: {column: a, regex: '('}\n", "expectations[0].kwargs.regex")]
    [InlineData("expectations:\n  - type: expect_column_values_to_not_be_null\n    kwargs: {column: a, mostlly: 1}\n", "expectations[0].kwargs.mostlly")]
    [InlineData("expectations:\n  - type: expect_column_to_exist\n    severity: grave\n    kwargs: {column: a}\n", "expectations[0].severity")]
    [InlineData("rules:\n  - metric: beauty\n    min: 1\n", "rules[0].metric")]
    [InlineData("rules:\n  - metric: score\n", "rules[0]")]
    [InlineData("rules:\n  - metric: score\n    min: 1\n    block: maybe\n", "rules[0].block")]
    [InlineData("rules: nothing\n", "$.rules")]
    [InlineData("surprise: 1\n", "$.surprise")]
    [InlineData("a: [1\n", "line 2")]
    [InlineData("- 1\n", "$")]
    public void What_a_plan_may_not_say_is_refused_with_its_place(string yaml, string path)
        => Assert.Equal(path, Assert.Throws<QualityPlanException>(() => QualityPlanReader.Parse(yaml)).Path);

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    public void An_empty_plan_expects_nothing(string yaml) => Assert.Same(QualityPlan.Empty, QualityPlanReader.Parse(yaml));

    [Fact]
    public void A_suite_of_great_expectations_in_json_is_a_plan()
    {
        var plan = QualityPlanReader.Parse("""{"expectation_suite_name": "s", "expectations": [{"expectation_type": "expect_column_to_exist", "kwargs": {"column": "id"}, "meta": {}}], "meta": {}}""");
        Assert.Equal("id", Assert.Single(plan.Expectations).Column);
    }

    [Theory]
    [InlineData("rules: [{metric: score, min: 99, block: true}]", false, true)]
    [InlineData("rules: [{metric: score, min: 99}]", false, false)]
    [InlineData("rules: [{metric: pii.rows, max: 10, block: true}]", true, false)]
    [InlineData("rules: [{metric: drift.maxPsi, max: 0.1, block: true}]", true, false)]
    [InlineData("expectations: [{type: expect_column_to_exist, severity: critical, kwargs: {column: x}}]", false, true)]
    [InlineData("expectations: [{type: expect_column_to_exist, kwargs: {column: x}}]", false, false)]
    [InlineData("", true, false)]
    public async Task Rules_and_critical_expectations_block(string yaml, bool passed, bool blocked)
    {
        var document = await AssembleAsync(Csv, yaml);
        Assert.Equal((passed, blocked), (document.Passed, document.Blocked));
        Assert.InRange(document.Score, 50, 98.9);
        Assert.Equal(QualityMetrics.Names.Except(["drift.maxPsi", "drift.columns"]).Order(StringComparer.Ordinal), document.Metrics.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public async Task Drift_is_found_among_labelled_columns()
    {
        var random = new Random(31);
        var score = new DetectorScore("drift");
        for (var round = 0; round < 10; round++)
        {
            string Table(bool moved)
            {
                var text = new StringBuilder("same,moved,wider,colour,taste\n");
                for (var row = 0; row < 1500; row++)
                {
                    text.Append(CultureInfo.InvariantCulture, $"{Normal(random):0.0000},{Normal(random) + (moved ? 0.8 : 0):0.0000},{Normal(random) * (moved ? 2 : 1):0.0000},{"red green blue".Split(' ')[random.Next(3)]},{(random.NextDouble() < (moved ? 0.8 : 0.4) ? "sweet" : "sour")}\n");
                }

                return text.ToString();
            }

            var before = await ProfileTests.PartAsync(Table(moved: false), QualityPlan.Empty);
            foreach (var moved in (bool[])[false, true])
            {
                var now = await ProfileTests.PartAsync(Table(moved), QualityPlan.Empty);
                foreach (var column in Assert.Single(DriftDetector.Compare(before.Sketches, now.Sketches)).Columns)
                {
                    score.Add(moved && column.Column is "moved" or "wider" or "taste", column.HasDrifted);
                }
            }
        }

        score.Require(output, 0.95, 0.95);
    }

    [Fact]
    public async Task Schema_changes_are_part_of_drift()
    {
        var before = await ProfileTests.PartAsync("a,b,c\n1,x,2\n2,y,3\n", QualityPlan.Empty);
        var now = await ProfileTests.PartAsync("c,a,d\n1.5,x,2\n2.5,y,3\n", QualityPlan.Empty);
        var changes = Assert.Single(DriftDetector.Compare(before.Sketches, now.Sketches)).Schema;
        Assert.Equal(
            [("a", "type"), ("a", "moved"), ("b", "removed"), ("c", "type"), ("c", "moved"), ("d", "added")], changes.Select(static change => (change.Column, change.Change)));
    }

    [Fact]
    public async Task Class_balance_comes_from_the_label()
    {
        var text = "x,kind\n" + string.Concat(Enumerable.Range(0, 110).Select(static i => $"{i},{(i < 100 ? "common" : "rare")}\n"));
        var balance = Assert.Single((await AssembleAsync(text, "label: kind")).Classes);
        Assert.Equal(("kind", 10d), (balance.Source, balance.Imbalance));
        Assert.Empty((await AssembleAsync(text, "")).Classes);
        Assert.Contains((await AssembleAsync(text, "label: kind")).Findings, static finding => finding.Code == "imbalance");
    }

    [Fact]
    public async Task Files_of_other_columns_are_other_tables_and_unreadable_ones_are_named()
    {
        var part = await QualityProfiler.ProfileTablesAsync(
            Engines.Shared, ProfileTests.Files(("a.csv", "x,y\n1,2\n"), ("b.csv", "x,y\n3,4\n"), ("c.csv", "z,y\n1,2\n"), ("d.parquet", "PAR1 but no more"), ("e.jsonl", "")), QualityPlan.Empty,
            static _ => Task.CompletedTask, CancellationToken.None);
        Assert.Equal([("a.csv", 2, 2L), ("c.csv", 1, 1L)], part.Tables.Select(static table => (table.Name, table.FileCount, table.Rows)));
        Assert.Equal([("d.parquet", "truncated"), ("e.jsonl", "empty_file")], part.UnreadableFiles.Select(static issue => (issue.File!, issue.Code)));
    }

    [Fact]
    public async Task A_report_survives_json_and_is_rendered_in_both_languages_without_letting_data_become_markup()
    {
        const string Evil = "id,\"<script>alert(1)</script>\",text\n1,<img src=x onerror=alert(1)>,\"a & b\"\n2,\"\"\"quoted\"\"\",中文\n2,\"\"\"quoted\"\"\",中文\n";
        var document = await AssembleAsync(Evil, "rules: [{metric: duplicates.rows, max: 0, block: true}]\nexpectations: [{type: expect_column_to_exist, kwargs: {column: '<b>'}}]", "<evil>.csv");
        var json = JsonSerializer.Serialize(document, ContractsJson.Strict);
        var read = JsonSerializer.Deserialize<QualityDocument>(json, ContractsJson.Tolerant)!;
        Assert.Equal(json, JsonSerializer.Serialize(read, ContractsJson.Strict));
        foreach (var chinese in (bool[])[false, true])
        {
            var html = QualityHtml.Render(read, chinese);
            Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("<img", html, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("<evil", html, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("src=\"", html, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain("http", html.Replace("http-equiv", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
            Assert.Contains("&lt;script&gt;", html, StringComparison.Ordinal);
            Assert.Contains("<svg", html, StringComparison.Ordinal);
            Assert.Contains(chinese ? "质量报告" : "Quality report", html, StringComparison.Ordinal);
            Assert.Contains(chinese ? "禁止使用" : "Blocked from use", html, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(false, "Blocked from use")]
    [InlineData(true, "禁止使用")]
    public async Task A_report_as_text_says_what_is_wrong_and_its_data_commands_no_terminal(bool chinese, string blocked)
    {
        var document = await AssembleAsync(
            "id,\"a\u001b[31m\nb\"\n1,x\n2,y\n2,y\n",
            "rules: [{metric: duplicates.rows, max: 0, block: true}]\nexpectations: [{type: expect_column_to_exist, kwargs: {column: nobody}}]", "data.csv");
        var text = QualityText.Render(document, chinese);
        Assert.StartsWith("# ", text, StringComparison.Ordinal);
        Assert.Contains(blocked, text, StringComparison.Ordinal);
        Assert.Contains("duplicates.rows ≤ 0", text, StringComparison.Ordinal);
        Assert.Contains("nobody: expect_column_to_exist", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', text);
        Assert.All(text.Split('\n'), static line => Assert.True(line.Length == 0 || line[0] is '#' or '-' || char.IsLetter(line[0]), line));
    }

    [Fact]
    public async Task A_report_of_several_tables_says_which_table_and_which_file_a_finding_is_about()
    {
        var part = await QualityProfiler.ProfileTablesAsync(
            Engines.Shared,
            ProfileTests.Files(("a.csv", "id,d\n1,x\n2,y\n"), ("b.csv", "id,d\n3,z\n4,z,z\n"), ("c.csv", "d,e\n,1\n,2\n")), QualityPlan.Empty, static _ => Task.CompletedTask, CancellationToken.None);
        var document = QualityAssembler.Assemble(new QualitySubject("set", 1, DateTimeOffset.UnixEpoch, 5, 100, 0, null), [part], QualityPlan.Empty, null);
        Assert.Equal("c.csv: d", document.Findings.Single(static finding => finding.Code == "allMissing").Subject);
        Assert.Equal("b.csv", document.Findings.Single(static finding => finding.Code == "issues").Subject);
        Assert.Equal(["2"], document.Findings.Single(static finding => finding.Code == "notLookedInto").Values);
        var text = QualityText.Render(document, chinese: false);
        Assert.Contains("a.csv and 1 more: ", text, StringComparison.Ordinal);
        Assert.Contains("c.csv: 2 rows, 2 columns", text, StringComparison.Ordinal);
        Assert.Contains("版本 1：得分", QualityText.Render(document, chinese: true), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_report_counts_one_thing_in_the_singular()
    {
        var text = QualityText.Render(await AssembleAsync("id\n1\n", string.Empty), chinese: false);
        Assert.Contains("data.csv: 1 row, 1 column\n", text, StringComparison.Ordinal);
        Assert.DoesNotMatch("(^| )1 [a-z]+s( |$)", text);
    }

    [Fact]
    public void Texts_of_reports_are_complete_in_both_languages()
    {
        Assert.Equal(ReportTexts.Keys(chinese: false).Order(StringComparer.Ordinal), ReportTexts.Keys(chinese: true).Order(StringComparer.Ordinal));
        string[] needed =
        [
            .. Findings.Codes.Select(static code => $"finding.{code}"), .. Enum.GetNames<FindingSeverity>().Select(static name => $"severity.{name}"),
            .. Enum.GetNames<ExpectationSeverity>().Select(static name => $"severity.{name}"),
            .. new[] { "completeness", "uniqueness", "validity", "conformity", "stability", "information" }.Select(static name => $"dimension.{name}"),
            .. new[] { "added", "removed", "type", "moved" }.Select(static name => $"change.{name}"), "test.kolmogorovSmirnov", "test.chiSquare", "method.pearson", "method.spearman", "method.cramersV",
        ];
        Assert.All(needed, static key => Assert.Contains(key, ReportTexts.Keys(chinese: false)));
    }

    internal static async Task<QualityDocument> AssembleAsync(string csv, string yaml, string path = "data.csv", IReadOnlyList<TableSketch>? baseline = null)
    {
        var plan = QualityPlanReader.Parse(yaml);
        return QualityAssembler.Assemble(new QualitySubject("set", 1, DateTimeOffset.UnixEpoch, 1, 100, 0, 1), [await ProfileTests.PartAsync(csv, plan, path)], plan, baseline);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
