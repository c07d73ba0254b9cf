using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary>
/// Rows under titles, without lines around the cells, so that a pipe gets what a terminal shows. A URL is never folded: in a listing that
/// has one it is left to the terminal to break long lines.
/// </summary>
/// <param name="flexible">How many of the last columns are folded where lines are short.</param>
internal sealed class Listing(int flexible, IEnumerable<string> titles)
{
    private const int Narrowest = 12;

    private readonly List<string> _titles = [.. titles];
    private readonly List<string[]> _rows = [];

    /// <summary>A listing with titles of the texts: keys without <c>column.</c></summary>
    public static Listing Titled(int flexible, params string[] columns) => new(flexible, columns.Select(static column => Texts.Get($"column.{column}")));

    /// <summary>Adds a row. Somebody's data commands no terminal.</summary>
    public void Add(params IEnumerable<string?> cells) => _rows.Add([.. cells.Select(Parts.Plain)]);

    /// <summary>The columns that it takes without folding.</summary>
    public int Width => Widths.Sum();

    private IEnumerable<int> Widths => _titles.Index().Select(column => _rows.Select(row => row[column.Index]).Append(column.Item).Max(static text => text.GetCellWidth()) + 2);

    /// <summary>Prints it. Where too little is left for the columns that are folded, the terminal breaks the lines: a column that is not there says nothing.</summary>
    public void Write(IAnsiConsole console)
    {
        var left = console.Profile.Width - Widths.Take(_titles.Count - flexible).Sum();
        var whole = _rows.Exists(static row => Array.Exists(row, Parts.HasUrl)) || left < Widths.TakeLast(flexible).Sum(static width => Math.Min(width, Narrowest));
        var table = new Table().Border(TableBorder.None);
        foreach (var (i, title) in _titles.Index())
        {
            table.AddColumn(new TableColumn(new Text(title, new Style(decoration: Decoration.Bold))) { Padding = new Padding(0, 0, 2, 0), NoWrap = i < _titles.Count - flexible });
        }

        _rows.ForEach(row => table.AddRow(row.Select(static cell => new Text(cell))));
        if (whole)
        {
            Parts.Unfolded(console, () => console.Write(table));
        }
        else
        {
            console.Write(table);
        }
    }
}
