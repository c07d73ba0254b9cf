namespace AiPlatform.Tracking.Exports;

/// <summary>A column of an export.</summary>
/// <typeparam name="T">Text, whole numbers, numbers or times; where it may be empty, nullable.</typeparam>
internal sealed class ExportColumn<T>(string name) : ExportColumn(name)
{
    /// <summary>The values of the rows that wait to be written.</summary>
    public List<T> Values { get; } = [];

    /// <inheritdoc />
    public override object? At(int row) => Values[row];

    /// <inheritdoc />
    public override void Clear() => Values.Clear();
}

/// <summary>A column of an export, of whichever type.</summary>
internal abstract class ExportColumn(string name)
{
    /// <summary>Its header.</summary>
    public string Name { get; } = name;

    /// <summary>The value of a row that waits; null for none.</summary>
    public abstract object? At(int row);

    /// <summary>Forgets the rows that were written.</summary>
    public abstract void Clear();
}
