using System.Globalization;
using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Reports;

/// <summary>Charts as inline SVG: no script, no file, no font is fetched.</summary>
internal static class Charts
{
    /// <summary>The score as a ring.</summary>
    public static void Ring(HtmlBuilder html, double score)
    {
        const double Length = 2 * Math.PI * 42;
        var colour = score >= 80 ? "var(--ok)" : score >= 60 ? "var(--warn)" : "var(--bad)";
        html.Raw($"<svg width=\"110\" height=\"110\" viewBox=\"0 0 110 110\" role=\"img\"><circle cx=\"55\" cy=\"55\" r=\"42\" fill=\"none\" stroke=\"var(--line)\" stroke-width=\"12\"/>")
            .Raw($"<circle cx=\"55\" cy=\"55\" r=\"42\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"12\" stroke-dasharray=\"{F(Length * score / 100)} {F(Length)}\" transform=\"rotate(-90 55 55)\"/>")
            .Raw($"<text x=\"55\" y=\"62\" text-anchor=\"middle\" style=\"font-size:22px;font-weight:600\">{F(score)}</text></svg>");
    }

    /// <summary>A histogram.</summary>
    public static void Histogram(HtmlBuilder html, IReadOnlyList<HistogramBar> bars)
    {
        if (bars.Count == 0)
        {
            return;
        }

        const int Width = 180;
        const int Height = 44;
        double most = Math.Max(1, bars.Max(static bar => bar.Count));
        var step = (double)Width / bars.Count;
        html.Raw($"<svg width=\"{Width}\" height=\"{Height + 14}\" role=\"img\">");
        for (var i = 0; i < bars.Count; i++)
        {
            var height = Height * Math.Max(0, bars[i].Count) / most;
            html.Raw($"<rect class=\"b\" x=\"{F(i * step)}\" y=\"{F(Height - height)}\" width=\"{F(Math.Max(1, step - 1))}\" height=\"{F(height)}\"><title>")
                .Text($"{HtmlBuilder.Number(bars[i].From)} – {HtmlBuilder.Number(bars[i].To)}: {HtmlBuilder.Number(bars[i].Count)}").Raw("</title></rect>");
        }

        html.Raw($"<text x=\"0\" y=\"{Height + 12}\">").Text(HtmlBuilder.Number(bars[0].From))
            .Raw($"</text><text x=\"{Width}\" y=\"{Height + 12}\" text-anchor=\"end\">").Text(HtmlBuilder.Number(bars[^1].To)).Raw("</text></svg>");
    }

    /// <summary>Bars with their names.</summary>
    public static void Bars(HtmlBuilder html, IReadOnlyList<ValueCount> values, int shown)
    {
        const int Width = 120;
        const int Line = 16;
        double most = values.Count == 0 ? 1 : values.Max(static value => value.Count);
        html.Raw($"<svg width=\"320\" height=\"{Math.Min(shown, values.Count) * Line}\" role=\"img\">");
        for (var i = 0; i < Math.Min(shown, values.Count); i++)
        {
            html.Raw($"<rect class=\"b\" x=\"0\" y=\"{(i * Line) + 2}\" width=\"{F(Math.Max(1, Width * values[i].Count / most))}\" height=\"{Line - 5}\"/>")
                .Raw($"<text x=\"{Width + 6}\" y=\"{(i * Line) + 12}\">").Text($"{Short(values[i].Value)}  {HtmlBuilder.Number(values[i].Count)}").Raw("</text>");
        }

        html.Raw("</svg>");
    }

    /// <summary>The correlations of one method as a grid of colours.</summary>
    public static void Heatmap(HtmlBuilder html, IReadOnlyList<Correlation> pairs)
    {
        const int Cell = 20;
        const int Label = 130;
        var names = pairs.SelectMany(static pair => new[] { pair.Left, pair.Right }).Distinct(StringComparer.Ordinal).Take(30).ToList();
        var size = names.Count * Cell;
        html.Raw($"<div class=\"scroll\"><svg width=\"{Label + size}\" height=\"{size + 4}\" role=\"img\">");
        for (var i = 0; i < names.Count; i++)
        {
            html.Raw($"<text x=\"{Label - 6}\" y=\"{(i * Cell) + 14}\" text-anchor=\"end\">").Text(Short(names[i])).Raw("</text>");
        }

        foreach (var pair in pairs)
        {
            var (row, column) = (names.IndexOf(pair.Left), names.IndexOf(pair.Right));
            if (row < 0 || column < 0)
            {
                continue;
            }

            var colour = pair.Value >= 0 ? "59,125,221" : "192,57,43";
            foreach (var (x, y) in new[] { (column, row), (row, column) })
            {
                html.Raw($"<rect x=\"{Label + (x * Cell)}\" y=\"{y * Cell}\" width=\"{Cell - 1}\" height=\"{Cell - 1}\" fill=\"rgba({colour},{F(Math.Abs(pair.Value))})\"><title>")
                    .Text($"{pair.Left} – {pair.Right}: {pair.Value.ToString("0.000", CultureInfo.InvariantCulture)}").Raw("</title></rect>");
            }
        }

        html.Raw("</svg></div>");
    }

    private static string Short(string text) => text.Length <= 24 ? text : $"{text[..23]}…";

    private static string F(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
