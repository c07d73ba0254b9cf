using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Kernel.Blobs;

/// <summary>Names of files as the API takes and keeps them: <see cref="FilePath"/>.</summary>
public static class RelativePath
{
    /// <summary>Most bytes of a path in UTF-8.</summary>
    public const int MaxBytes = FilePath.MaxBytes;

    /// <summary>Null when the path is fine, else the reason in a few words.</summary>
    public static string? Problem(string path) => FilePath.Problem(path);

    /// <summary>The path as it is kept.</summary>
    /// <param name="path">What the caller wrote.</param>
    /// <param name="field">The field it stands in.</param>
    /// <exception cref="ApiException">400 naming the field and what is wrong.</exception>
    public static string Require(string path, string field)
    {
        var problem = Problem(path);
        Check.That(problem is null, field, "path", problem);
        return FilePath.Normal(path);
    }
}
