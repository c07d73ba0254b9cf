using System.Globalization;
using AiPlatform.Data.Tables;
using Parquet;
using Parquet.Schema;

namespace AiPlatform.Data.Parquet;

/// <summary>How columns of Parquet become columns of ours.</summary>
internal static class ParquetColumns
{
    /// <summary>Names keep their case; dates are points in time.</summary>
    public static ParquetOptions Options => new() { UseDateOnlyTypeForDates = false };

    /// <summary>Whether a row may hold several values.</summary>
    public static bool IsNested(DataField field) => field.MaxRepetitionLevel > 0;

    /// <summary>The column of a field.</summary>
    public static TableColumn Describe(DataField field)
    {
        var type = field.ClrType;
        var name = string.Join('.', field.Path.ToList());
        return IsNested(field)
            ? new TableColumn(name, VectorKind.Text, $"list<{Name(type)}>", IsOpaque: true)
            : new TableColumn(name, Kind(type), Name(type), IsOpaque: IsBinary(type));
    }

    /// <summary>Decodes the values of a field.</summary>
    /// <param name="values">Values that the loaded pages hold.</param>
    /// <param name="count">Rows that are wanted: the first ones.</param>
    public static Task<ColumnVector> ReadAsync(ParquetRowGroupReader reader, DataField field, int values, int count, CancellationToken cancellationToken)
    {
        var type = field.ClrType;
        return Type.GetTypeCode(type) switch
        {
            _ when IsText(type) => TextAsync(reader, field, values, count, cancellationToken),
            TypeCode.Boolean => IntegersAsync<bool>(reader, field, values, count, VectorKind.Boolean, static value => value ? 1 : 0, cancellationToken),
            TypeCode.SByte => IntegersAsync<sbyte>(reader, field, values, count, VectorKind.Integer, static value => value, cancellationToken),
            TypeCode.Byte => IntegersAsync<byte>(reader, field, values, count, VectorKind.Integer, static value => value, cancellationToken),
            TypeCode.Int16 => IntegersAsync<short>(reader, field, values, count, VectorKind.Integer, static value => value, cancellationToken),
            TypeCode.UInt16 => IntegersAsync<ushort>(reader, field, values, count, VectorKind.Integer, static value => value, cancellationToken),
            TypeCode.Int32 => IntegersAsync<int>(reader, field, values, count, VectorKind.Integer, static value => value, cancellationToken),
            TypeCode.UInt32 => IntegersAsync<uint>(reader, field, values, count, VectorKind.Integer, static value => value, cancellationToken),
            TypeCode.Int64 => IntegersAsync<long>(reader, field, values, count, VectorKind.Integer, static value => value, cancellationToken),
            TypeCode.UInt64 => NumbersAsync<ulong>(reader, field, values, count, static value => value, cancellationToken),
            TypeCode.Single => NumbersAsync<float>(reader, field, values, count, static value => value, cancellationToken),
            TypeCode.Double => NumbersAsync<double>(reader, field, values, count, static value => value, cancellationToken),
            TypeCode.Decimal => NumbersAsync<decimal>(reader, field, values, count, static value => (double)value, cancellationToken),
            TypeCode.DateTime => IntegersAsync<DateTime>(reader, field, values, count, VectorKind.Timestamp, static value => value.Ticks, cancellationToken),
            _ when type == typeof(DateOnly) => IntegersAsync<DateOnly>(
                reader, field, values, count, VectorKind.Timestamp, static value => value.ToDateTime(TimeOnly.MinValue).Ticks, cancellationToken),
            _ when IsBinary(type) => BytesAsync(reader, field, values, count, cancellationToken),
            _ when type == typeof(Guid) => FormattedAsync<Guid>(reader, field, values, count, cancellationToken),
            _ when type == typeof(TimeSpan) => FormattedAsync<TimeSpan>(reader, field, values, count, cancellationToken),
            _ when type == typeof(TimeOnly) => FormattedAsync<TimeOnly>(reader, field, values, count, cancellationToken),
            _ => throw new NotSupportedException($"columns of type {type.Name} are not read"),
        };
    }

    private static VectorKind Kind(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Boolean => VectorKind.Boolean,
        TypeCode.SByte or TypeCode.Byte or TypeCode.Int16 or TypeCode.UInt16 or TypeCode.Int32 or TypeCode.UInt32 or TypeCode.Int64 => VectorKind.Integer,
        TypeCode.UInt64 or TypeCode.Single or TypeCode.Double or TypeCode.Decimal => VectorKind.Number,
        TypeCode.DateTime => VectorKind.Timestamp,
        _ => type == typeof(DateOnly) ? VectorKind.Timestamp : VectorKind.Text,
    };

    private static string Name(Type type) => IsBinary(type) ? "binary" : IsText(type) ? "string" : type.Name.ToLowerInvariant();

    private static bool IsText(Type type) => type == typeof(string) || type == typeof(ReadOnlyMemory<char>);

    private static bool IsBinary(Type type) => type == typeof(byte[]) || type == typeof(ReadOnlyMemory<byte>);

    private static async Task<ColumnVector> TextAsync(ParquetRowGroupReader reader, DataField field, int values, int count, CancellationToken cancellationToken)
    {
        var texts = new string?[values];
        await reader.ReadAsync(field, texts.AsMemory(), null, cancellationToken).ConfigureAwait(false);
        return new ColumnVector(texts, count);
    }

    private static async Task<ColumnVector> BytesAsync(ParquetRowGroupReader reader, DataField field, int values, int count, CancellationToken cancellationToken)
    {
        var bytes = new byte[]?[values];
        await reader.ReadAsync(field, bytes.AsMemory(), null, cancellationToken).ConfigureAwait(false);
        return new ColumnVector(Array.ConvertAll(bytes, static value => value is null ? null : $"({value.Length} bytes)"), count);
    }

    private static async Task<ColumnVector> FormattedAsync<T>(ParquetRowGroupReader reader, DataField field, int values, int count, CancellationToken cancellationToken)
        where T : struct, IFormattable
    {
        var read = await ReadAsync<T>(reader, field, values, cancellationToken).ConfigureAwait(false);
        return new ColumnVector(Array.ConvertAll(read, static value => value?.ToString(null, CultureInfo.InvariantCulture)), count);
    }

    private static async Task<ColumnVector> IntegersAsync<T>(
        ParquetRowGroupReader reader, DataField field, int values, int count, VectorKind kind, Func<T, long> convert, CancellationToken cancellationToken)
        where T : struct
    {
        var read = await ReadAsync<T>(reader, field, values, cancellationToken).ConfigureAwait(false);
        var (integers, nulls) = (new long[count], new bool[count]);
        for (var i = 0; i < count; i++)
        {
            nulls[i] = read[i] is null;
            integers[i] = read[i] is { } value ? convert(value) : 0;
        }

        return new ColumnVector(kind, integers, nulls, count);
    }

    private static async Task<ColumnVector> NumbersAsync<T>(
        ParquetRowGroupReader reader, DataField field, int values, int count, Func<T, double> convert, CancellationToken cancellationToken)
        where T : struct
    {
        var read = await ReadAsync<T>(reader, field, values, cancellationToken).ConfigureAwait(false);
        var (numbers, nulls) = (new double[count], new bool[count]);
        for (var i = 0; i < count; i++)
        {
            nulls[i] = read[i] is null;
            numbers[i] = read[i] is { } value ? convert(value) : 0;
        }

        return new ColumnVector(numbers, nulls, count);
    }

    private static async Task<T?[]> ReadAsync<T>(ParquetRowGroupReader reader, DataField field, int values, CancellationToken cancellationToken)
        where T : struct
    {
        if (field.IsNullable || field.MaxDefinitionLevel > 0)
        {
            var optional = new T?[values];
            await reader.ReadAsync(field, optional.AsMemory(), null, cancellationToken).ConfigureAwait(false);
            return optional;
        }

        var required = new T[values];
        await reader.ReadAsync(field, required.AsMemory(), null, cancellationToken).ConfigureAwait(false);
        return Array.ConvertAll(required, static value => (T?)value);
    }
}
