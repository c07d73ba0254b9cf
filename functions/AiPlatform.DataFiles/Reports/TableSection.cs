using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Reports;

/// <summary>The part of a report about one table.</summary>
internal static class TableSection
{
    private const int TopShown = 5;

    public static void Render(HtmlBuilder html, ReportTexts texts, TableProfile table)
    {
        html.Element("h2", texts.Format("table", table.Name)).Element(
            "p",
            $"{texts["rows"]} {HtmlBuilder.Number(table.Rows)} · {texts["files"]} {HtmlBuilder.Number(table.FileCount)} · {texts["duplicates"]} {HtmlBuilder.Number(table.Duplicates)}{(table.AreDuplicatesExact ? "" : $" ({texts["approximate"]})")}");
        html.Raw("<div class=\"scroll\"><table>").Head(texts["column"], texts["type"], texts["missing"], texts["distinct"], texts["distribution"], texts["details"]);
        foreach (var column in table.Columns)
        {
            html.Raw("<tr>").Element("td", column.Name).Raw("<td>").Text(texts.Word(column.Type)).Raw("<br>").Element("small", column.Declared).Raw("</td>")
                .Element("td.n", HtmlBuilder.Percent(column.MissingRatio)).Element("td.n", $"{(column.IsDistinctExact ? "" : "≈ ")}{HtmlBuilder.Number(column.Distinct)}").Raw("<td>");
            Chart(html, column);
            html.Raw("</td><td>");
            Details(html, texts, column);
            html.Raw("</td></tr>");
        }

        html.Raw("</table></div>");
        foreach (var method in table.Correlations.GroupBy(static pair => pair.Method, StringComparer.Ordinal))
        {
            html.Element("h3", $"{texts["correlations"]}: {texts[$"method.{method.Key}"]}");
            Charts.Heatmap(html, [.. method]);
        }
    }

    private static void Chart(HtmlBuilder html, ColumnProfile column)
    {
        if (column.Numeric is { } numeric)
        {
            Charts.Histogram(html, numeric.Histogram);
        }
        else if (column is { Type: ColumnType.Category or ColumnType.Boolean })
        {
            Charts.Bars(html, column.Top, TopShown);
        }
        else if (column.Text is { } text)
        {
            Charts.Histogram(html, text.Lengths);
        }
    }

    private static void Details(HtmlBuilder html, ReportTexts texts, ColumnProfile column)
    {
        if (column.Numeric is { } n)
        {
            html.Text($"{texts["mean"]} {HtmlBuilder.Number(n.Mean)} · {texts["deviation"]} {HtmlBuilder.Number(n.StandardDeviation)} · {texts["median"]} {HtmlBuilder.Number(n.Quantiles[3])}")
                .Raw("<br>").Text($"{texts["range"]} {HtmlBuilder.Number(n.Min)} – {HtmlBuilder.Number(n.Max)} · {texts["outliers"]} {HtmlBuilder.Number(n.Outliers.IqrCount)}");
        }

        if (column.Text is { } text)
        {
            html.Text($"{texts["length"]} {text.MinLength} – {text.MaxLength}, {texts["median"]} {HtmlBuilder.Number(text.MedianLength)}");
            if (text.Languages.Count > 0)
            {
                html.Raw("<br>").Text($"{texts["languages"]}: {string.Join(", ", text.Languages.Take(TopShown).Select(static pair => $"{pair.Value} {HtmlBuilder.Number(pair.Count)}"))}");
            }
        }

        if (column.Time is { } time)
        {
            html.Text($"{texts["range"]} {time.First} – {time.Last}");
        }

        foreach (var pii in column.Pii)
        {
            html.Raw("<br>").Element("span.tag warn", texts["pii"]).Text($" {texts.Word(pii.Kind)}: {HtmlBuilder.Number(pii.Rows)} ({string.Join(", ", pii.Examples)})");
        }
    }
}
