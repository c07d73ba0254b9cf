using System.Diagnostics;
using OpenTelemetry.Trace;

namespace AiPlatform.Hosting.Telemetry;

/// <summary>
/// Decides for traces that begin here. A call to another process that belongs to nothing is no work of anybody's: loops that look whether there
/// is something to do would fill every store of traces with it.
/// </summary>
/// <param name="ratio">How many of the rest are kept, from 0 to 1.</param>
internal sealed class WorkSampler(double ratio) : Sampler
{
    private readonly TraceIdRatioBasedSampler _rest = new(ratio);

    /// <inheritdoc />
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
        => samplingParameters.Kind == ActivityKind.Client
            ? new SamplingResult(SamplingDecision.Drop)
            : _rest.ShouldSample(samplingParameters);
}
