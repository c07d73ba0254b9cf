using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Images;

/// <summary>What some of the images of a version are; batches are added up.</summary>
public sealed record ImageBatch(
    long Count, long Corrupt, long Mistyped, Dictionary<string, long> Formats, Dictionary<string, long> Sizes, Dictionary<string, long> Folders,
    long WidthSum, long HeightSum, long Sized, int MinWidth, int MaxWidth, int MinHeight, int MaxHeight, IReadOnlyList<ImageIssue> Issues)
{
    private const int MaxIssues = 100;
    private const int MaxKeys = 2000;
    private const int MaxShown = 20;

    /// <summary>No images.</summary>
    public static ImageBatch Empty => new(
        0, 0, 0, new(StringComparer.Ordinal), new(StringComparer.Ordinal), new(StringComparer.Ordinal), 0, 0, 0, int.MaxValue, 0, int.MaxValue, 0, []);

    /// <summary>These and one more image.</summary>
    public ImageBatch With(string path, ImageInfo image)
    {
        var promised = ImageInspector.Promised(path);
        var isMistyped = image.Format != ImageFormat.Unknown && promised != ImageFormat.Unknown && image.Format != promised;
        var issue = image.Problem is { } problem ? new ImageIssue(path, DataErrors.ImageCorrupt, problem)
            : isMistyped ? new ImageIssue(path, DataErrors.ImageType, $"the bytes are {image.Format}")
            : null;
        Count1(Formats, image.Format.ToString());
        Count1(Folders, Folder(path));
        var isSized = image is { Width: > 0, Height: > 0 };
        if (isSized)
        {
            Count1(Sizes, $"{image.Width}×{image.Height}");
        }

        return this with
        {
            Count = Count + 1,
            Corrupt = Corrupt + (image.Problem is null ? 0 : 1),
            Mistyped = Mistyped + (isMistyped ? 1 : 0),
            Sized = Sized + (isSized ? 1 : 0),
            WidthSum = WidthSum + (isSized ? image.Width : 0),
            HeightSum = HeightSum + (isSized ? image.Height : 0),
            MinWidth = isSized ? Math.Min(MinWidth, image.Width) : MinWidth,
            MaxWidth = isSized ? Math.Max(MaxWidth, image.Width) : MaxWidth,
            MinHeight = isSized ? Math.Min(MinHeight, image.Height) : MinHeight,
            MaxHeight = isSized ? Math.Max(MaxHeight, image.Height) : MaxHeight,
            Issues = issue is null || Issues.Count >= MaxIssues ? Issues : [.. Issues, issue],
        };
    }

    /// <summary>These and those of another batch.</summary>
    public ImageBatch With(ImageBatch other) => new(
        Count + other.Count, Corrupt + other.Corrupt, Mistyped + other.Mistyped, Sum(Formats, other.Formats), Sum(Sizes, other.Sizes), Sum(Folders, other.Folders),
        WidthSum + other.WidthSum, HeightSum + other.HeightSum, Sized + other.Sized, Math.Min(MinWidth, other.MinWidth), Math.Max(MaxWidth, other.MaxWidth),
        Math.Min(MinHeight, other.MinHeight), Math.Max(MaxHeight, other.MaxHeight), [.. Issues.Concat(other.Issues).Take(MaxIssues)]);

    /// <summary>The profile of all images.</summary>
    /// <param name="duplicates">Images whose content another one has too.</param>
    public ImageSetProfile Build(long duplicates) => new(
        Count, Corrupt, Mistyped, duplicates, Top(Formats), Top(Sizes),
        Sized == 0 ? null : new SizeRange(MinWidth, MaxWidth, (double)WidthSum / Sized), Sized == 0 ? null : new SizeRange(MinHeight, MaxHeight, (double)HeightSum / Sized),
        Folders.Count > 1 && !Folders.ContainsKey(string.Empty) ? Top(Folders) : [], Issues);

    private static IReadOnlyList<ValueCount> Top(Dictionary<string, long> counts)
        => [.. counts.OrderByDescending(static pair => pair.Value).ThenBy(static pair => pair.Key, StringComparer.Ordinal).Take(MaxShown).Select(static pair => new ValueCount(pair.Key, pair.Value))];

    private static Dictionary<string, long> Sum(Dictionary<string, long> left, Dictionary<string, long> right)
    {
        var sum = new Dictionary<string, long>(left, StringComparer.Ordinal);
        foreach (var (key, count) in right)
        {
            if (sum.ContainsKey(key) || sum.Count < MaxKeys)
            {
                sum[key] = sum.GetValueOrDefault(key) + count;
            }
        }

        return sum;
    }

    private static void Count1(Dictionary<string, long> counts, string key)
    {
        if (counts.ContainsKey(key) || counts.Count < MaxKeys)
        {
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }
    }

    // The class of an image is the folder that it lies in.
    private static string Folder(string path)
    {
        var end = path.LastIndexOf('/');
        return end < 0 ? string.Empty : path[(path.LastIndexOf('/', end - 1) + 1)..end];
    }
}
