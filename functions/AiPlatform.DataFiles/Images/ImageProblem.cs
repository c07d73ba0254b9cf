namespace AiPlatform.DataFiles.Images;

/// <summary>How what is wrong with images is said, in English.</summary>
internal static class ImageProblem
{
    public const string CutHeader = "the header is cut off";
    public const string Cut = "the end is cut off";
    public const string NoSize = "the size is zero";
    public const string CutPicture = "the picture is cut off";
    public const string LongPicture = "the picture has more data than its size";
    public const string Data = "the data of the picture is broken";
    public const string Header = "the header says what cannot be";

    /// <summary>The problem of a size; null for one that can be.</summary>
    public static string? OfSize(long width, long height) => width > 0 && height > 0 ? null : NoSize;
}
