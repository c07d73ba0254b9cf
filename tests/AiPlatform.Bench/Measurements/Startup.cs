using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>From <c>infra/up</c>, already built, to a usable URL. Target: under 20 s.</summary>
internal static class Startup
{
    public static Task<object> MeasureAsync(PlatformProcess platform, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult<object>(new { seconds = Math.Round(platform.Startup.TotalSeconds, 2), targetSeconds = 20 });
    }
}
