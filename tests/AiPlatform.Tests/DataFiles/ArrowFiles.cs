using ParquetSharp;
using ParquetSharp.Schema;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Parquet written by Arrow's C++ writer, with every column in the encoding that is asked for where its type has it.</summary>
internal static class ArrowFiles
{
    public static byte[] Write(int rows, Encoding encoding, Compression compression, bool hasSecondVersion, bool splitsIntegers = false)
    {
        Node[] nodes =
        [
            Node("b", LogicalType.None(), PhysicalType.Boolean), Node("i32", LogicalType.None(), PhysicalType.Int32), Node("i64", LogicalType.None(), PhysicalType.Int64),
            Node("f32", LogicalType.None(), PhysicalType.Float), Node("f64", LogicalType.None(), PhysicalType.Double), Node("day", LogicalType.Date(), PhysicalType.Int32),
            Node("us", LogicalType.Timestamp(true, TimeUnit.Micros), PhysicalType.Int64), Node("ns", LogicalType.Timestamp(false, TimeUnit.Nanos), PhysicalType.Int64),
            Node("tod", LogicalType.Time(true, TimeUnit.Millis), PhysicalType.Int32), Node("dec", LogicalType.Decimal(12, 3), PhysicalType.Int64),
            Node("txt", LogicalType.String(), PhysicalType.ByteArray), new PrimitiveNode("half", Repetition.Optional, LogicalType.Float16(), PhysicalType.FixedLenByteArray, 2),
            new PrimitiveNode("span", Repetition.Optional, LogicalType.Interval(), PhysicalType.FixedLenByteArray, 12),
        ];
        using var properties = Properties(nodes, encoding, compression, hasSecondVersion, splitsIntegers);
        using var schema = new GroupNode("schema", Repetition.Required, nodes);
        using var stream = new MemoryStream();
        using (var writer = new ParquetFileWriter(stream, schema, properties, keyValueMetadata: null, leaveOpen: true))
        {
            using (var group = writer.AppendRowGroup())
            {
                Add(group, rows, static i => i % 5 < 2);
                Add(group, rows, static i => (i * 7919) - 1_000_000);
                Add(group, rows, static i => i * 1_000_000_007L);
                Add(group, rows, static i => i / 3f);
                Add(group, rows, static i => i % 10 == 0 ? double.NegativeInfinity : i / 7d);
                Add(group, rows, static i => i * 500 - 800_000);
                Add(group, rows, static i => i * 86_399_123_456L);
                Add(group, rows, static i => i * 86_399_123_456_789L);
                Add(group, rows, static i => i * 1001 % 86_400_000);
                Add(group, rows, static i => i * 1234L - 1_000_000);
                AddBytes(group, rows, static i => System.Text.Encoding.UTF8.GetBytes($"text {i % 97} 文"), static (pointer, length) => new ByteArray(pointer, length));
                AddBytes(group, rows, static i => BitConverter.GetBytes((Half)(i / 4f)), static (pointer, _) => new FixedLenByteArray(pointer));
                AddBytes(group, rows, static i => [.. BitConverter.GetBytes(i % 30), .. BitConverter.GetBytes(i % 7), .. BitConverter.GetBytes(i * 1000)], static (pointer, _) => new FixedLenByteArray(pointer));
            }

            writer.Close();
        }

        return stream.ToArray();
    }

    private static PrimitiveNode Node(string name, LogicalType logical, PhysicalType type) => new(name, Repetition.Optional, logical, type);

    private static WriterProperties Properties(Node[] nodes, Encoding encoding, Compression compression, bool hasSecondVersion, bool splitsIntegers)
    {
        using var builder = new WriterPropertiesBuilder();
        builder.Compression(compression).DataPagesize(1024).WriteBatchSize(64).DictionaryPagesizeLimit(1 << 20);
        builder.Version(hasSecondVersion ? ParquetVersion.PARQUET_2_6 : ParquetVersion.PARQUET_1_0);
        if (hasSecondVersion)
        {
            builder.DataPageVersion(ParquetDataPageVersion.V2);
        }

        if (encoding != Encoding.PlainDictionary)
        {
            builder.DisableDictionary();
            foreach (var node in nodes.Cast<PrimitiveNode>().Where(node => Has(node.PhysicalType, encoding, splitsIntegers)))
            {
                builder.Encoding(node.Name, encoding);
            }
        }

        return builder.Build();
    }

    private static bool Has(PhysicalType type, Encoding encoding, bool splitsIntegers) => encoding switch
    {
        Encoding.Plain => true,
        Encoding.Rle => type == PhysicalType.Boolean,
        Encoding.DeltaBinaryPacked => type is PhysicalType.Int32 or PhysicalType.Int64,
        Encoding.DeltaLengthByteArray => type == PhysicalType.ByteArray,
        Encoding.DeltaByteArray => type is PhysicalType.ByteArray or PhysicalType.FixedLenByteArray,
        Encoding.ByteStreamSplit => type is PhysicalType.Float or PhysicalType.Double || (splitsIntegers && type is PhysicalType.Int64),
        _ => false,
    };

    // Every eleventh value is missing.
    private static void Add<T>(RowGroupWriter group, int rows, Func<int, T> value)
        where T : unmanaged
    {
        using var column = (ColumnWriter<T>)group.NextColumn();
        column.WriteBatch(rows, Levels(rows), [], Present(rows).Select(value).ToArray());
    }

    private static void AddBytes<T>(RowGroupWriter group, int rows, Func<int, byte[]> value, Func<nint, int, T> wrap)
        where T : unmanaged
    {
        var values = Present(rows).Select(value).ToList();
        var buffer = GC.AllocateUninitializedArray<byte>(values.Sum(static bytes => bytes.Length), pinned: true);
        var at = 0;
        var wrapped = values.ConvertAll(bytes =>
        {
            bytes.CopyTo(buffer, at);
            at += bytes.Length;
            return wrap(System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(buffer, at - bytes.Length), bytes.Length);
        });
        using var column = (ColumnWriter<T>)group.NextColumn();
        column.WriteBatch(rows, Levels(rows), [], wrapped.ToArray());
        GC.KeepAlive(buffer);
    }

    private static short[] Levels(int rows) => [.. Enumerable.Range(0, rows).Select(static i => (short)(i % 11 == 0 ? 0 : 1))];

    private static IEnumerable<int> Present(int rows) => Enumerable.Range(0, rows).Where(static i => i % 11 != 0);
}
