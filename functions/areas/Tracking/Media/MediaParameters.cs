using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Tracking.Media;

/// <summary>Query parameters that say what a piece of media is; take them with <c>[AsParameters]</c>.</summary>
/// <param name="Key">The key, which groups media of a run.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Step">The training step.</param>
/// <param name="Caption">A caption.</param>
/// <param name="Attempt">The job's attempt that made it; absent where there is no job.</param>
internal readonly record struct MediaParameters(string Key, string Kind, long Step, string? Caption, int? Attempt)
{
    private const int MaxKey = 200;
    private const int MaxCaption = 500;

    /// <summary>The same, checked.</summary>
    /// <exception cref="ApiException">400 naming the parameter.</exception>
    public LogMediaRequest ToRequest()
    {
        Check.Length(Key, "key", 1, MaxKey);
        var key = RelativePath.Require(Key, "key");
        Check.Range(Step, "step", 0, long.MaxValue);
        Check.Text(Caption, "caption", MaxCaption);
        Check.Range(Attempt ?? 1, "attempt", 1, int.MaxValue);
        return new LogMediaRequest(key, EnumText.Parse<MediaKind>(Kind, "kind")!.Value, Step, Caption, Attempt);
    }
}
