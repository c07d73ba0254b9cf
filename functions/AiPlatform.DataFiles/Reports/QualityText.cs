using System.Globalization;
using System.Text;
using AiPlatform.DataFiles.Quality;

namespace AiPlatform.DataFiles.Reports;

/// <summary>Renders what matters in a report as Markdown that reads as plain text: for terminals and logs.</summary>
public static class QualityText
{
    private const int MaxLines = 50;

    /// <summary>Renders a report: score and dimensions, findings, what was expected and not met, drift, what could not be read.</summary>
    /// <param name="document">The report.</param>
    /// <param name="chinese">In Chinese; otherwise in English.</param>
    public static string Render(QualityDocument document, bool chinese)
    {
        var (text, texts) = (new StringBuilder(), new ReportTexts(chinese));
        var (colon, comma) = chinese ? ("：", "，") : (": ", ", ");
        var outcome = texts[document.Passed ? "passed" : "failed"] + (document.Blocked ? $"{comma}{texts["blocked"]}" : string.Empty);
        Line(text, $"# {document.Dataset} · {texts.Format("version", document.Version)}{colon}{texts["score"]} {Number(document.Score)}{comma}{outcome}");
        Line(text, string.Empty);
        Line(text, string.Join(comma, document.Dimensions.Select(dimension => $"{texts[$"dimension.{dimension.Name}"]} {Number(dimension.Score)}")));
        foreach (var table in document.Tables)
        {
            var name = table.FileCount > 1 ? texts.Format("andMoreFiles", table.Name, HtmlBuilder.Number(table.FileCount - 1)) : table.Name;
            Line(text, $"{name}: {Count(texts, "rowCount", table.Rows)}{comma}{Count(texts, "columnCount", table.Columns.Count)}");
        }

        Section(text, texts["findings"], document.Findings.OrderByDescending(static finding => finding.Severity)
            .Select(finding => $"[{texts[$"severity.{finding.Severity}"]}] {Subject(finding.Subject)}{texts.Format($"finding.{finding.Code}", [.. finding.Values])}"));
        Section(text, texts["rules"], document.Rules.Where(static rule => !rule.Success)
            .Select(rule => $"{rule.Metric} {Bounds(rule)}: {texts["observed"]} {(rule.Observed is { } observed ? HtmlBuilder.Number(observed) : "–")}"));
        Section(text, texts["expectations"], document.Expectations.Where(static result => !result.Success)
            .Select(result => $"[{texts[$"severity.{result.Severity}"]}] {Subject(result.Column)}{result.Type}: {result.Observed ?? texts.Problem(result.Problem) ?? $"{texts["unexpected"]} {HtmlBuilder.Number(result.Unexpected)} / {HtmlBuilder.Number(result.Examined)}"}"));
        Section(text, texts.Format("drift", document.Baseline), document.Drift.SelectMany(static report => report.Columns).Where(static column => column.HasDrifted)
            .Select(column => $"{column.Column}: {texts["psi"]} {HtmlBuilder.Number(column.Psi)}"));
        Section(text, texts["issues"], document.UnreadableFiles.Concat(document.Tables.SelectMany(static table => table.Issues))
            .Select(issue => $"{issue.File}{(issue.Line is { } line ? $":{line.ToString(CultureInfo.InvariantCulture)}" : string.Empty)}: {texts.Issue(issue)}"));
        return text.ToString();
    }

    private static void Section(StringBuilder text, string title, IEnumerable<string> lines)
    {
        var all = lines.ToList();
        if (all.Count == 0)
        {
            return;
        }

        Line(text, string.Empty);
        Line(text, $"## {title}");
        foreach (var line in all.Take(MaxLines))
        {
            Line(text, $"- {line}");
        }

        if (all.Count > MaxLines)
        {
            Line(text, $"- … +{(all.Count - MaxLines).ToString(CultureInfo.InvariantCulture)}");
        }
    }

    // Names and values are somebody's data: they begin no line and command no terminal.
    private static void Line(StringBuilder text, string line)
        => text.Append(string.Concat(line.ReplaceLineEndings(" ").Select(static letter => char.IsControl(letter) ? '\uFFFD' : letter))).Append('\n');

    private static string Subject(string? subject) => subject is null ? string.Empty : $"{subject}: ";

    private static string Count(ReportTexts texts, string key, long count) => texts.Format(count == 1 ? $"{key}.one" : key, HtmlBuilder.Number(count));

    private static string Bounds(RuleResult rule)
        => string.Join(" ", new[] { rule.Min is { } min ? $"≥ {HtmlBuilder.Number(min)}" : null, rule.Max is { } max ? $"≤ {HtmlBuilder.Number(max)}" : null }.OfType<string>());

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
