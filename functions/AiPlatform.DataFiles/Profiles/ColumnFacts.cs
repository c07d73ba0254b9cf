using AiPlatform.DataFiles.Engine;
using AiPlatform.DataFiles.Pii;
using AiPlatform.DataFiles.Statistics;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.DataFiles.Profiles;

/// <summary>What was found out about a column.</summary>
/// <param name="Sample">Its values of the drawn rows.</param>
/// <param name="Categories">Its most frequent values, where these are what it is compared by; more than a profile shows.</param>
/// <param name="Issue">Why it could not be read; null when it could.</param>
internal sealed record ColumnFacts(ColumnProfile Profile, ColumnSample Sample, IReadOnlyList<ValueCount> Categories, DataIssue? Issue = null)
{
    /// <summary>Frequent values that are kept of a column while it is profiled.</summary>
    public const int MaxCategories = 100;

    private const int TopShown = 20;

    /// <summary>The facts, as the values of a column told them.</summary>
    /// <param name="rows">Rows of the table.</param>
    public static ColumnFacts Of(
        EngineColumn column, ColumnType type, long rows, long missing, long distinct, long mismatches, MostFrequent top, NumericProfile? numeric, TextProfile? text,
        TimeProfile? time, IReadOnlyList<PiiFinding> pii, ColumnSample sample, DateColumn? dates = null)
    {
        IReadOnlyList<ValueCount> frequent = [.. top.Build().Select(static value => new ValueCount(value.Text ?? string.Empty, value.Count))];
        var profile = new ColumnProfile(
            column.Column.Name, column.Column.Declared, type, rows, missing, distinct, IsDistinctExact: true, mismatches,
            [.. frequent.Take(TopShown).Select(static value => new ValueCount(PiiScanner.MaskAll(value.Value), value.Count))], 0, numeric, text, time, pii)
        {
            Dates = dates,
        };
        // Of thousands of columns only what is compared later is held until the end.
        var isCategory = type is ColumnType.Category or ColumnType.Boolean;
        var isNumber = type is ColumnType.Integer or ColumnType.Number;
        return new ColumnFacts(profile, new ColumnSample(isNumber ? sample.Numbers : [], isCategory ? sample.Texts : []), isCategory ? frequent : []);
    }

    /// <summary>What the values of a column mean, as far as its type in the file says it.</summary>
    public static ColumnType TypeOf(EngineColumn column) => column.Family switch
    {
        ValueFamily.Integer or ValueFamily.BigInteger => ColumnType.Integer,
        ValueFamily.Decimal or ValueFamily.Float => ColumnType.Number,
        ValueFamily.Boolean => ColumnType.Boolean,
        ValueFamily.Date => ColumnType.Date,
        ValueFamily.Timestamp => ColumnType.Timestamp,
        ValueFamily.Time => ColumnType.Time,
        _ => ColumnType.Opaque,
    };

    /// <summary>What the column is compared by later.</summary>
    public ColumnSketch Sketch() => new(
        Profile.Name, Profile.Type, Profile.Count, Profile.Missing,
        Profile.Type is ColumnType.Integer or ColumnType.Number ? [.. Sample.Numbers.Where(double.IsFinite)] : null,
        Profile.Type is ColumnType.Category or ColumnType.Boolean ? Categories : null,
        Profile.Distinct <= Categories.Count);
}
