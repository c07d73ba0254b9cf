using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace AiPlatform.DataFiles.Reports;

/// <summary>Builds HTML. Every text and every attribute goes through the encoder: names and values come from data that nobody trusts.</summary>
internal sealed class HtmlBuilder
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private readonly StringBuilder _html = new();

    /// <summary>Adds markup as it is; it must not hold anything from the data.</summary>
    public HtmlBuilder Raw(string markup)
    {
        _html.Append(markup);
        return this;
    }

    /// <summary>Adds text.</summary>
    public HtmlBuilder Text(string? text)
    {
        _html.Append(Encoder.Encode(text ?? string.Empty));
        return this;
    }

    /// <summary>Adds an element with text.</summary>
    /// <param name="tag">The element, possibly with a class: <c>td.n</c>.</param>
    public HtmlBuilder Element(string tag, string? text) => Open(tag).Text(text).Close(tag);

    /// <summary>Opens an element.</summary>
    public HtmlBuilder Open(string tag)
    {
        var dot = tag.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? Raw($"<{tag}>") : Raw($"<{tag[..dot]} class=\"{tag[(dot + 1)..]}\">");
    }

    /// <summary>Closes an element.</summary>
    public HtmlBuilder Close(string tag)
    {
        var dot = tag.IndexOf('.', StringComparison.Ordinal);
        return Raw($"</{(dot < 0 ? tag : tag[..dot])}>");
    }

    /// <summary>Adds a row of headings.</summary>
    public HtmlBuilder Head(params string[] titles)
    {
        Raw("<tr>");
        foreach (var title in titles)
        {
            Element("th", title);
        }

        return Raw("</tr>");
    }

    /// <summary>Adds a row of cells.</summary>
    public HtmlBuilder Row(params string?[] cells)
    {
        Raw("<tr>");
        foreach (var cell in cells)
        {
            Element("td", cell);
        }

        return Raw("</tr>");
    }

    /// <summary>A number for people.</summary>
    public static string Number(double value) => Math.Abs(value) is >= 1e15 or (> 0 and < 1e-4)
        ? value.ToString("0.###e0", CultureInfo.InvariantCulture)
        : value == Math.Floor(value) ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("#,0.####", CultureInfo.InvariantCulture);

    /// <summary>A share for people.</summary>
    public static string Percent(double share) => share.ToString("P1", CultureInfo.InvariantCulture);

    /// <inheritdoc />
    public override string ToString() => _html.ToString();
}
