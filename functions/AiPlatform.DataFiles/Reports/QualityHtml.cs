using System.Globalization;
using AiPlatform.DataFiles.Drift;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Quality;

namespace AiPlatform.DataFiles.Reports;

/// <summary>Renders a report as one page that needs nothing else: it can be mailed, archived, opened without a network.</summary>
public static class QualityHtml
{
    private static readonly string Style = ReadStyle();

    /// <summary>Renders a report.</summary>
    /// <param name="document">The report.</param>
    /// <param name="chinese">In Chinese; otherwise in English.</param>
    public static string Render(QualityDocument document, bool chinese)
    {
        var (html, texts) = (new HtmlBuilder(), new ReportTexts(chinese));
        html.Raw($"<!doctype html><html lang=\"{(chinese ? "zh-CN" : "en")}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")
            .Raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">")
            .Open("title").Text($"{document.Dataset}@{document.Version} · {texts["title"]}").Close("title").Raw($"<style>{Style}</style></head><body>");
        Header(html, texts, document);
        FindingsOf(html, texts, document);
        RulesOf(html, texts, document);
        ExpectationsOf(html, texts, document.Expectations);
        foreach (var table in document.Tables)
        {
            TableSection.Render(html, texts, table);
        }

        ImagesOf(html, texts, document);
        ClassesOf(html, texts, document);
        DriftOf(html, texts, document);
        IssuesOf(html, texts, document);
        return html.Raw("</body></html>").ToString();
    }

    private static void Header(HtmlBuilder html, ReportTexts texts, QualityDocument document)
    {
        html.Raw("<header>");
        Charts.Ring(html, document.Score);
        html.Raw("<div>").Element("h1", $"{document.Dataset} · {texts.Format("version", document.Version)}")
            .Element("p", $"{texts["title"]} · {texts.Format("created", document.CreatedAt.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture))}");
        html.Element(document.Passed ? "span.tag ok" : "span.tag bad", document.Passed ? texts["passed"] : texts["failed"]);
        if (document.Blocked)
        {
            html.Raw(" ").Element("span.tag bad", texts["blocked"]);
        }

        html.Raw("</div></header>").Element("h2", texts["overview"]).Raw("<div class=\"tiles\">");
        Tile(html, texts["rows"], HtmlBuilder.Number(document.Tables.Sum(static table => table.Rows)));
        Tile(html, texts["columns"], HtmlBuilder.Number(document.Tables.Sum(static table => table.Columns.Count)));
        Tile(html, texts["files"], HtmlBuilder.Number(document.Files));
        Tile(html, texts["bytes"], HtmlBuilder.Number(document.Bytes));
        foreach (var dimension in document.Dimensions)
        {
            Tile(html, texts[$"dimension.{dimension.Name}"], dimension.Score.ToString("0.#", CultureInfo.InvariantCulture));
        }

        html.Raw("</div>");
    }

    private static void Tile(HtmlBuilder html, string title, string value) => html.Raw("<div>").Element("b", value).Text(title).Raw("</div>");

    private static void FindingsOf(HtmlBuilder html, ReportTexts texts, QualityDocument document)
    {
        html.Element("h2", texts["findings"]);
        if (document.Findings.Count == 0)
        {
            html.Element("p", texts["noFindings"]);
            return;
        }

        html.Raw("<table>");
        foreach (var finding in document.Findings)
        {
            var tag = finding.Severity switch
            {
                FindingSeverity.Error => "bad",
                FindingSeverity.Warning => "warn",
                FindingSeverity.Info => "info",
                _ => throw new InvalidOperationException($"Unknown severity {finding.Severity}."),
            };
            html.Raw("<tr><td>").Element($"span.tag {tag}", texts[$"severity.{finding.Severity}"]).Raw("</td>")
                .Element("td", finding.Subject).Element("td", texts.Format($"finding.{finding.Code}", [.. finding.Values])).Raw("</tr>");
        }

        html.Raw("</table>");
    }

    private static void RulesOf(HtmlBuilder html, ReportTexts texts, QualityDocument document)
    {
        if (document.Rules.Count == 0)
        {
            return;
        }

        html.Element("h2", texts["rules"]).Raw("<table>").Head(texts["metric"], texts["bound"], texts["observed"], texts["result"]);
        foreach (var rule in document.Rules)
        {
            html.Raw("<tr>").Element("td", rule.Metric).Element("td", $"{(rule.Min is { } min ? $"≥ {HtmlBuilder.Number(min)} " : "")}{(rule.Max is { } max ? $"≤ {HtmlBuilder.Number(max)}" : "")}{(rule.Block ? $" ({texts["blocking"]})" : "")}")
                .Element("td", rule.Observed is { } observed ? HtmlBuilder.Number(observed) : "–").Raw("<td>");
            Outcome(html, texts, rule.Success);
            html.Raw("</td></tr>");
        }

        html.Raw("</table>");
    }

    private static void ExpectationsOf(HtmlBuilder html, ReportTexts texts, IReadOnlyList<ExpectationResult> results)
    {
        if (results.Count == 0)
        {
            return;
        }

        html.Element("h2", texts["expectations"]).Raw("<table>").Head(texts["expectation"], texts["column"], texts["unexpected"], texts["observed"], texts["examples"], texts["result"]);
        foreach (var result in results)
        {
            html.Raw("<tr><td>").Element("code", result.Type).Raw("</td>").Element("td", result.Column)
                .Element("td", result.Observed is null && result.Problem is null ? $"{HtmlBuilder.Number(result.Unexpected)} / {HtmlBuilder.Number(result.Examined)}" : string.Empty)
                .Element("td", result.Observed ?? texts.Problem(result.Problem)).Element("td", string.Join(" · ", result.Examples)).Raw("<td>");
            Outcome(html, texts, result.Success);
            html.Raw(" ").Element("small", texts[$"severity.{result.Severity}"]).Raw("</td></tr>");
        }

        html.Raw("</table>");
    }

    private static void Outcome(HtmlBuilder html, ReportTexts texts, bool success) => html.Element(success ? "span.tag ok" : "span.tag bad", success ? texts["passed"] : texts["failed"]);

    private static void ImagesOf(HtmlBuilder html, ReportTexts texts, QualityDocument document)
    {
        if (document.Images is not { } images)
        {
            return;
        }

        html.Element("h2", texts["images"]).Raw("<div class=\"tiles\">");
        Tile(html, texts["images"], HtmlBuilder.Number(images.Count));
        Tile(html, texts["corrupt"], HtmlBuilder.Number(images.Corrupt));
        Tile(html, texts["mistyped"], HtmlBuilder.Number(images.Mistyped));
        html.Raw("</div>").Element("h3", texts["formats"]);
        Charts.Bars(html, images.Formats, 10);
        html.Element("h3", texts["sizes"]);
        Charts.Bars(html, images.Sizes, 10);
        if (images.Issues.Count > 0)
        {
            html.Raw("<table>").Head(texts["file"], texts["problem"]);
            foreach (var issue in images.Issues)
            {
                html.Row(issue.Path, issue.Problem);
            }

            html.Raw("</table>");
        }
    }

    private static void ClassesOf(HtmlBuilder html, ReportTexts texts, QualityDocument document)
    {
        foreach (var balance in document.Classes)
        {
            html.Element("h2", $"{texts["classes"]}: {balance.Source}").Element("p", texts.Format("imbalance", HtmlBuilder.Number(balance.Imbalance), HtmlBuilder.Number(balance.Evenness)));
            Charts.Bars(html, balance.Classes, 20);
        }
    }

    private static void DriftOf(HtmlBuilder html, ReportTexts texts, QualityDocument document)
    {
        foreach (var report in document.Drift)
        {
            html.Element("h2", texts.Format("drift", document.Baseline)).Raw("<table>")
                .Head(texts["column"], texts["psi"], texts["statistic"], texts["pvalue"], texts["missing"], texts["result"]);
            foreach (var column in report.Columns)
            {
                Drifted(html, texts, column);
            }

            html.Raw("</table>");
            if (report.Schema.Count > 0)
            {
                html.Element("h3", texts["schema"]).Raw("<table>");
                foreach (var change in report.Schema)
                {
                    html.Row(change.Column, texts[$"change.{change.Change}"], $"{change.Before} → {change.Now}");
                }

                html.Raw("</table>");
            }
        }
    }

    private static void Drifted(HtmlBuilder html, ReportTexts texts, ColumnDrift column)
        => html.Raw("<tr>").Element("td", column.Column).Element("td.n", HtmlBuilder.Number(column.Psi))
            .Element("td", $"{texts[$"test.{column.Method}"]} {HtmlBuilder.Number(column.Statistic)}").Element("td.n", HtmlBuilder.Number(column.PValue))
            .Element("td", $"{HtmlBuilder.Percent(column.MissingBefore)} → {HtmlBuilder.Percent(column.MissingNow)}").Raw("<td>")
            .Element(column.HasDrifted ? "span.tag warn" : "span.tag ok", column.HasDrifted ? texts["drifted"] : texts["stable"]).Raw("</td></tr>");

    private static void IssuesOf(HtmlBuilder html, ReportTexts texts, QualityDocument document)
    {
        var issues = document.UnreadableFiles.Concat(document.Tables.SelectMany(static table => table.Issues)).ToList();
        if (issues.Count == 0)
        {
            return;
        }

        html.Element("h2", texts["issues"]).Raw("<table>").Head(texts["file"], texts["line"], texts["problem"]);
        foreach (var issue in issues)
        {
            html.Raw("<tr>").Element("td", issue.File).Element("td.n", issue.Line?.ToString(CultureInfo.InvariantCulture)).Raw("<td>").Element("code", issue.Code).Text($" {texts.Issue(issue)}").Raw("</td></tr>");
        }

        html.Raw("</table>");
        var more = document.Tables.Sum(static table => table.IssueCount - table.Issues.Count);
        if (more > 0)
        {
            html.Element("p", texts.Format("more", HtmlBuilder.Number(more)));
        }
    }

    private static string ReadStyle()
    {
        using var stream = typeof(QualityHtml).Assembly.GetManifestResourceStream("AiPlatform.DataFiles.Reports.report.css")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
