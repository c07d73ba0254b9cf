namespace AiPlatform.Contracts.Datasets;

/// <summary>Why imports fail. The texts are in the API's resources, under <c>import.{code}</c>.</summary>
public static class DatasetImportErrors
{
    /// <summary>The source answered with a status that is no success.</summary>
    public const string SourceStatus = "source_status";

    /// <summary>The source could not be reached.</summary>
    public const string SourceUnreachable = "source_unreachable";

    /// <summary>The address is not public.</summary>
    public const string SourceForbidden = "source_forbidden";

    /// <summary>The source changed while it was read.</summary>
    public const string SourceChanged = "source_changed";

    /// <summary>The source has no file.</summary>
    public const string SourceEmpty = "source_empty";

    /// <summary>More bytes than an import may have.</summary>
    public const string TooLarge = "too_large";

    /// <summary>More files than an import may have.</summary>
    public const string TooManyFiles = "too_many_files";

    /// <summary>The SHA-256 is not the announced one.</summary>
    public const string ChecksumMismatch = "checksum_mismatch";

    /// <summary>The file is no zip, tar or tar.gz.</summary>
    public const string NotAnArchive = "not_an_archive";

    /// <summary>The archive is damaged or cut short, or something follows its end; the entry is named where there is one.</summary>
    public const string BrokenArchive = "broken_archive";

    /// <summary>An entry is encrypted.</summary>
    public const string EncryptedArchive = "encrypted_archive";

    /// <summary>Two entries have the same path.</summary>
    public const string DuplicateEntry = "duplicate_entry";

    /// <summary>An entry is a link or a device.</summary>
    public const string EntryNotAFile = "entry_not_a_file";

    /// <summary>The archive expands to far more than it holds.</summary>
    public const string ArchiveBomb = "archive_bomb";

    /// <summary>The API refused what was found, such as a path that leaves the dataset.</summary>
    public const string Refused = "refused";

    /// <summary>A step failed again and again.</summary>
    public const string GaveUp = "gave_up";

    /// <summary>The process that carried the import ended before the import did.</summary>
    public const string ProcessLost = "process_lost";

    /// <summary>Every code.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        SourceStatus, SourceUnreachable, SourceForbidden, SourceChanged, SourceEmpty, TooLarge, TooManyFiles, ChecksumMismatch, NotAnArchive, BrokenArchive,
        EncryptedArchive, DuplicateEntry, EntryNotAFile, ArchiveBomb, Refused, GaveUp, ProcessLost,
    ];
}
