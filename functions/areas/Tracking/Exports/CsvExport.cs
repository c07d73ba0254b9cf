using System.Globalization;
using System.Text;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Exports;

/// <summary>CSV as RFC 4180 says, in UTF-8; numbers and times in forms that every reader takes.</summary>
/// <param name="columns">The columns.</param>
/// <param name="keepFormulas">Whether texts that spreadsheets take for formulas stay as they are.</param>
/// <param name="target">Takes the file.</param>
internal sealed class CsvExport(IReadOnlyList<ExportColumn> columns, bool keepFormulas, Stream target) : IExportWriter
{
    private const int Flush = 60_000;

    private readonly StringBuilder _text = Header(columns, keepFormulas);

    /// <inheritdoc />
    public string ContentType => "text/csv; charset=utf-8";

    /// <inheritdoc />
    public async Task WriteAsync(int rows, CancellationToken cancellationToken)
    {
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns.Count; column++)
            {
                Append(columns[column].At(row), column > 0);
            }

            _text.Append('\n');
            if (_text.Length > Flush)
            {
                await FlushAsync(cancellationToken);
            }
        }

        foreach (var column in columns)
        {
            column.Clear();
        }
    }

    /// <inheritdoc />
    public Task CompleteAsync(CancellationToken cancellationToken) => FlushAsync(cancellationToken);

    private static StringBuilder Header(IReadOnlyList<ExportColumn> columns, bool keepFormulas)
        => new StringBuilder(Flush).AppendJoin(',', columns.Select(column => CsvText.Cell(column.Name, keepFormulas))).Append('\n');

    private void Append(object? value, bool separated)
    {
        if (separated)
        {
            _text.Append(',');
        }

        _ = value switch
        {
            null => _text,
            string text => _text.Append(CsvText.Cell(text, keepFormulas)),
            DateTime time => _text.Append(CultureInfo.InvariantCulture, $"{time:yyyy-MM-ddTHH:mm:ss.ffffffZ}"),
            double number => _text.Append(CultureInfo.InvariantCulture, $"{number:R}"),
            _ => _text.Append(CultureInfo.InvariantCulture, $"{value}"),
        };
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        await target.WriteAsync(Encoding.UTF8.GetBytes(_text.ToString()), cancellationToken);
        _text.Clear();
    }
}
