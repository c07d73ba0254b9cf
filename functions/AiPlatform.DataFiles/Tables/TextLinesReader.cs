using AiPlatform.DataFiles.Sources;

namespace AiPlatform.DataFiles.Tables;

/// <summary>Reads a text file as a table of one column, <c>text</c>, with a row for each line that is not empty.</summary>
internal sealed class TextLinesReader : TableReader
{
    private const int ChunkRows = 4096;
    private const int ChunkChars = 1 << 20;

    private readonly LineReader _lines;
    private readonly string?[] _chunk = new string?[ChunkRows];
    private long _row;

    private TextLinesReader(LineReader lines) => _lines = lines;

    /// <inheritdoc />
    public override IReadOnlyList<TableColumn> Columns { get; } = [new TableColumn("text", VectorKind.Text, "text")];

    /// <inheritdoc />
    public override long BytesRead => _lines.BytesRead;

    /// <inheritdoc />
    public override TableDialect? Dialect => _lines.Dialect(["text"]);

    /// <summary>Opens a file.</summary>
    public static async Task<TextLinesReader> OpenAsync(IByteSource source, ReadOptions options, CancellationToken cancellationToken)
        => new(await LineReader.OpenAsync(source, options, cancellationToken).ConfigureAwait(false));

    /// <inheritdoc />
    public override async ValueTask<TableChunk?> NextAsync(CancellationToken cancellationToken)
    {
        var (count, chars) = (0, 0);
        while (count < ChunkRows && chars < ChunkChars && await _lines.NextAsync(cancellationToken).ConfigureAwait(false) is { } line)
        {
            if (line.Span.IsWhiteSpace())
            {
                continue;
            }

            if (line.Span.Contains('\uFFFD'))
            {
                Issues.Add(DataErrors.EncodingMixed, _lines.Line, $"Bytes that are not {_lines.Encoding}.");
            }

            chars += line.Length;
            _chunk[count++] = line.ToString();
        }

        var first = _row;
        _row += count;
        return count == 0 ? null : new VectorChunk([new ColumnVector(_chunk, count, isUntyped: true)]) { FirstRow = first, Count = count };
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _lines.Dispose();
        }

        base.Dispose(disposing);
    }
}
