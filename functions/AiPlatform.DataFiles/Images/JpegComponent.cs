namespace AiPlatform.DataFiles.Images;

/// <summary>A component of a JPEG.</summary>
/// <param name="Id">Its name in scans.</param>
/// <param name="H">Horizontal sampling factor.</param>
/// <param name="V">Vertical sampling factor.</param>
/// <param name="Quantization">Its table.</param>
/// <param name="Columns">Blocks in a row, padded to whole units of interleaved scans.</param>
/// <param name="Rows">Rows of blocks, padded alike.</param>
internal sealed record JpegComponent(int Id, int H, int V, int Quantization, int Columns, int Rows)
{
    /// <summary>Coefficients that are not zero, a bit each; for progressive pictures.</summary>
    public ulong[] Known { get; set; } = [];

    /// <summary>Whether a scan had it.</summary>
    public bool IsScanned { get; set; }
}
