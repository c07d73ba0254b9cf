using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Data.Datasets.Imports;

/// <summary>The transition table of imports.</summary>
internal static class ImportTransitions
{
    /// <summary>Whether nothing comes after it.</summary>
    public static bool IsFinal(DatasetImportStatus status)
        => status is DatasetImportStatus.Succeeded or DatasetImportStatus.Failed or DatasetImportStatus.Cancelled;

    /// <summary>What a report makes of an import; null when it changes nothing.</summary>
    public static DatasetImportStatus? Next(DatasetImportStatus from, DatasetImportStatus reported) => (from, reported) switch
    {
        (DatasetImportStatus.Succeeded or DatasetImportStatus.Failed or DatasetImportStatus.Cancelled, _) => null,
        (_, DatasetImportStatus.Pending) => null,

        // What is being cancelled goes on to its end only.
        (DatasetImportStatus.Cancelling, DatasetImportStatus.Running) => DatasetImportStatus.Cancelling,
        _ => reported,
    };
}
