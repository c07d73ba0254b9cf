namespace AiPlatform.DataFiles.Staging;

/// <summary>A table on disk, as Parquet, that stays until it is disposed.</summary>
internal sealed class StagedTable(string path, StagedContent content, Action release) : IDisposable
{
    private Action? _release = release;

    /// <summary>The Parquet file.</summary>
    public string Path => path;

    /// <summary>What is known about it.</summary>
    public StagedContent Content => content;

    /// <inheritdoc />
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}
