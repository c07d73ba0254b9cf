using AiPlatform.Kernel.Postgres;
using Parquet;
using Parquet.Schema;

namespace AiPlatform.Tracking.Exports;

/// <summary>Parquet: each part is a row group, and the end says where they are.</summary>
internal sealed class ParquetExport : IExportWriter
{
    private readonly IReadOnlyList<ExportColumn> _columns;
    private readonly ForwardStream _target;
    private readonly DataField[] _fields;
    private ParquetWriter? _writer;

    public ParquetExport(IReadOnlyList<ExportColumn> columns, Stream target)
    {
        (_columns, _target) = (columns, new ForwardStream(target));
        _fields = [.. columns.Select(FieldOf)];
    }

    /// <inheritdoc />
    public string ContentType => "application/vnd.apache.parquet";

    /// <inheritdoc />
    public async Task WriteAsync(int rows, CancellationToken cancellationToken)
    {
        var writer = await OpenAsync(cancellationToken);
        if (rows > 0)
        {
            using var group = writer.CreateRowGroup();
            foreach (var (column, field) in _columns.Zip(_fields))
            {
                await WriteAsync(group, column, field, cancellationToken);
                column.Clear();
            }

            group.CompleteValidate();
        }

        await _target.FlushAsync(cancellationToken);
    }

    /// <inheritdoc />
    public async Task CompleteAsync(CancellationToken cancellationToken)
    {
        await (await OpenAsync(cancellationToken)).DisposeAsync();
        await _target.FlushAsync(cancellationToken);
    }

    private static DataField FieldOf(ExportColumn column) => column switch
    {
        ExportColumn<string?> => new DataField(column.Name, typeof(string), isNullable: true),
        ExportColumn<long> => new DataField<long>(column.Name),
        ExportColumn<double> => new DataField<double>(column.Name),
        ExportColumn<double?> => new DataField<double>(column.Name, true),
        ExportColumn<DateTime> => new DateTimeDataField(column.Name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, unit: DateTimeTimeUnit.Micros),
        ExportColumn<DateTime?> => new DateTimeDataField(column.Name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, unit: DateTimeTimeUnit.Micros, isNullable: true),
        _ => throw new InvalidOperationException($"A column of {column.GetType()} cannot be exported."),
    };

    private static async Task WriteAsync(ParquetRowGroupWriter group, ExportColumn column, DataField field, CancellationToken cancellationToken)
    {
        switch (column)
        {
            case ExportColumn<string?> { Values: var texts }:
                await group.WriteAsync(field, (IReadOnlyCollection<string?>)texts);
                break;
            case ExportColumn<long> { Values: var numbers }:
                await group.WriteAsync<long>(field, numbers.ToArray().AsMemory(), cancellationToken: cancellationToken);
                break;
            case ExportColumn<double> { Values: var numbers }:
                await group.WriteAsync<double>(field, numbers.ToArray().AsMemory(), cancellationToken: cancellationToken);
                break;
            case ExportColumn<double?> { Values: var numbers }:
                await group.WriteAsync<double>(field, (ReadOnlyMemory<double?>)numbers.ToArray(), cancellationToken: cancellationToken);
                break;
            case ExportColumn<DateTime> { Values: var times }:
                await group.WriteAsync<DateTime>(field, times.ToArray().AsMemory(), cancellationToken: cancellationToken);
                break;
            case ExportColumn<DateTime?> { Values: var times }:
                await group.WriteAsync<DateTime>(field, (ReadOnlyMemory<DateTime?>)times.ToArray(), cancellationToken: cancellationToken);
                break;
            default:
                throw new InvalidOperationException($"A column of {column.GetType()} cannot be exported.");
        }
    }

    private async Task<ParquetWriter> OpenAsync(CancellationToken cancellationToken)
        => _writer ??= await ParquetWriter.CreateAsync(new ParquetSchema([.. _fields]), _target, cancellationToken: cancellationToken);
}
