using AiPlatform.DataFiles.Profiles;

namespace AiPlatform.DataFiles.Images;

/// <summary>An image that is not what it should be.</summary>
/// <param name="Path">The file.</param>
/// <param name="Code"><c>image_corrupt</c> or <c>image_type</c>.</param>
/// <param name="Problem">What is wrong, in English.</param>
public sealed record ImageIssue(string Path, string Code, string Problem);

/// <summary>The images of a version.</summary>
/// <param name="Count">Images.</param>
/// <param name="Corrupt">Images whose structure is broken.</param>
/// <param name="Mistyped">Images whose bytes are of another format than the name says.</param>
/// <param name="Duplicates">Images whose content another one has too.</param>
/// <param name="Formats">Images of each format.</param>
/// <param name="Sizes">The most frequent sizes, as <c>640×480</c>.</param>
/// <param name="Widths">The widths.</param>
/// <param name="Heights">The heights.</param>
/// <param name="Classes">Images in each folder, where all of them are in folders.</param>
/// <param name="Issues">The first that are not what they should be.</param>
public sealed record ImageSetProfile(
    long Count, long Corrupt, long Mistyped, long Duplicates, IReadOnlyList<ValueCount> Formats, IReadOnlyList<ValueCount> Sizes,
    SizeRange? Widths, SizeRange? Heights, IReadOnlyList<ValueCount> Classes, IReadOnlyList<ImageIssue> Issues);

/// <summary>A range of sizes in pixels.</summary>
/// <param name="Min">The smallest value.</param>
/// <param name="Max">The largest value.</param>
/// <param name="Mean">The mean.</param>
public sealed record SizeRange(int Min, int Max, double Mean);
