using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>What a load of several connections came to.</summary>
internal sealed record LoadResult(int Connections, double RequestsPerSecond, Percentiles Times);
