using AiPlatform.DataFiles.Tables;
using ParquetSharp;
using ParquetSharp.Schema;

namespace AiPlatform.DataFiles.Parquet;

/// <summary>The columns that a Parquet file declares.</summary>
internal static class ParquetSchema
{
    /// <summary>The columns of a file on disk.</summary>
    /// <exception cref="DataFormatException">The footer cannot be decoded.</exception>
    public static IReadOnlyList<TableColumn> Read(string path) => ParquetErrors.Guard(() =>
    {
        using var reader = new ParquetFileReader(path);
        return Fields(reader.FileMetaData).Select(static field => field.Column).ToArray();
    });

    /// <summary>The fields of a file.</summary>
    public static IReadOnlyList<ParquetField> Fields(FileMetaData metadata)
    {
        var nodes = metadata.Schema.GroupNode.Fields;
        if (nodes.Length > TableLimits.MaxColumns || metadata.NumColumns > TableLimits.MaxColumns)
        {
            throw TableLimits.TooManyColumns();
        }

        var names = CsvDialect.Names([.. nodes.Select(static node => node.Name)]);
        var fields = new List<ParquetField>(nodes.Length);
        var leaf = 0;
        for (var i = 0; i < nodes.Length; i++)
        {
            var count = Leaves(nodes[i]);
            var (kind, declared, meaning, isOpaque) = Describe(nodes[i]);
            fields.Add(new ParquetField(new TableColumn(names[i], kind, declared, isOpaque), meaning, [.. Enumerable.Range(leaf, count)]));
            leaf += count;
        }

        return fields;
    }

    private static int Leaves(Node node) => node is GroupNode group ? group.Fields.Sum(Leaves) : 1;

    private static (VectorKind Kind, string Declared, ParquetMeaning Meaning, bool IsOpaque) Describe(Node node)
    {
        using var logical = Logical(node);
        if (node is GroupNode group)
        {
            var isVariant = logical is null && group.Fields.Any(static field => field.Name == "metadata");
            return (VectorKind.Text, isVariant ? "variant" : logical switch { ListLogicalType => "list", MapLogicalType => "map", _ => "struct" },
                isVariant ? ParquetMeaning.Variant : ParquetMeaning.Plain, true);
        }

        var primitive = (PrimitiveNode)node;
        if (node.Repetition == Repetition.Repeated)
        {
            return (VectorKind.Text, "list", ParquetMeaning.Plain, true);
        }

        return logical switch
        {
            StringLogicalType or EnumLogicalType => (VectorKind.Text, "string", ParquetMeaning.Plain, false),
            JsonLogicalType => (VectorKind.Text, "json", ParquetMeaning.Plain, false),
            UuidLogicalType => (VectorKind.Text, "uuid", ParquetMeaning.Uuid, false),
            IntervalLogicalType => (VectorKind.Text, "interval", ParquetMeaning.Interval, true),
            DateLogicalType => (VectorKind.Timestamp, "date", ParquetMeaning.Plain, false),
            TimestampLogicalType => (VectorKind.Timestamp, "timestamp", ParquetMeaning.Plain, false),
            TimeLogicalType => (VectorKind.Text, "time", ParquetMeaning.Plain, false),
            DecimalLogicalType type => (VectorKind.Number, $"decimal({type.Precision},{type.Scale})", ParquetMeaning.Plain, false),
            Float16LogicalType => (VectorKind.Number, "half", ParquetMeaning.Plain, false),
            IntLogicalType type => (VectorKind.Integer, $"{(type.IsSigned ? "int" : "uint")}{type.BitWidth}", ParquetMeaning.Plain, false),
            _ => primitive.PhysicalType switch
            {
                PhysicalType.Boolean => (VectorKind.Boolean, "boolean", ParquetMeaning.Plain, false),
                PhysicalType.Int32 => (VectorKind.Integer, "int32", ParquetMeaning.Plain, false),
                PhysicalType.Int64 => (VectorKind.Integer, "int64", ParquetMeaning.Plain, false),
                PhysicalType.Int96 => (VectorKind.Timestamp, "timestamp", ParquetMeaning.Plain, false),
                PhysicalType.Float => (VectorKind.Number, "single", ParquetMeaning.Plain, false),
                PhysicalType.Double => (VectorKind.Number, "double", ParquetMeaning.Plain, false),
                _ => (VectorKind.Text, "binary", ParquetMeaning.Plain, true),
            },
        };
    }

    // The library knows no name for the newest types.
    private static LogicalType? Logical(Node node)
    {
        try
        {
            return node.LogicalType;
        }
        catch (ArgumentOutOfRangeException)
        {
            return null;
        }
    }
}
