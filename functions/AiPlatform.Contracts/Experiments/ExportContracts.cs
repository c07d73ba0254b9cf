namespace AiPlatform.Contracts.Experiments;

/// <summary>The form of an exported file.</summary>
public enum ExportFormat
{
    /// <summary>Comma-separated values as RFC 4180 says, in UTF-8, with a header.</summary>
    Csv,

    /// <summary>Apache Parquet.</summary>
    Parquet,
}

/// <summary>Asks for the points of many runs as a file.</summary>
/// <example>{"runs": ["0198c7a4d2f17c5e8a3b6d9e0f124578"], "keys": ["loss"], "format": "parquet"}</example>
/// <param name="Runs">1–10,000 runs of the project; what is none of them is left out.</param>
/// <param name="Keys">1–1,000 metrics; null for all.</param>
/// <param name="Format">CSV or Parquet.</param>
/// <param name="AllAttempts">Whether points that a later attempt superseded are there too.</param>
/// <param name="KeepFormulas">Whether texts in CSV that spreadsheets take for formulas stay as they are; otherwise an apostrophe stands before them.</param>
public sealed record ExportMetricsRequest(IReadOnlyList<string> Runs, IReadOnlyList<string>? Keys = null, ExportFormat Format = ExportFormat.Parquet, bool AllAttempts = false,
    bool KeepFormulas = false);
