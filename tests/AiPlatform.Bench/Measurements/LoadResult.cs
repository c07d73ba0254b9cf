using AiPlatform.Bench.Platform;

namespace AiPlatform.Bench.Measurements;

/// <summary>What a load of several connections came to.</summary>
/// <param name="ProcessorMillisecondsPerRequest">
/// By process; those of the platform share the machine with the <c>generator</c>, so this, and not the rate, says what a request costs.
/// </param>
internal sealed record LoadResult(int Connections, double RequestsPerSecond, Percentiles Times, IReadOnlyDictionary<string, double> ProcessorMillisecondsPerRequest);
