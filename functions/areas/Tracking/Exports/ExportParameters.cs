using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Exports;

/// <summary>Query parameters that say what file is written; take them with <c>[AsParameters]</c>.</summary>
/// <param name="Format"><c>csv</c> or <c>parquet</c>; CSV when absent.</param>
/// <param name="KeepFormulas">Whether texts that a spreadsheet would run as formulas stay as they are.</param>
internal readonly record struct ExportParameters(string? Format, bool? KeepFormulas)
{
    /// <summary>The format.</summary>
    /// <exception cref="ApiException">400 for one that is none.</exception>
    public ExportFormat ToFormat() => EnumText.Parse<ExportFormat>(Format, "format") ?? ExportFormat.Csv;
}
