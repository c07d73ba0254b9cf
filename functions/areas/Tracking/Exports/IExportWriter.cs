using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Exports;

/// <summary>Writes rows to a stream in parts; only a part is in memory. The file is whole once the writer is completed.</summary>
internal interface IExportWriter
{
    /// <summary>The media type of the file.</summary>
    string ContentType { get; }

    /// <summary>Writes the rows that wait in the columns, and forgets them.</summary>
    Task WriteAsync(int rows, CancellationToken cancellationToken);

    /// <summary>Writes the end of the file.</summary>
    Task CompleteAsync(CancellationToken cancellationToken);
}
