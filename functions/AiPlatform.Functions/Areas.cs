using AiPlatform.Compute;
using AiPlatform.Data;
using AiPlatform.Identity;
using AiPlatform.Kernel;
using AiPlatform.MLflow;
using AiPlatform.Operations;
using AiPlatform.Registry;
using AiPlatform.Tracking;

namespace AiPlatform.Functions;

/// <summary>The parts of the app. This list is all that the host knows of them.</summary>
internal static class Areas
{
    /// <summary>Every area.</summary>
    public static IReadOnlyList<IArea> All { get; } =
        [new IdentityArea(), new DataArea(), new TrackingArea(), new RegistryArea(), new MLflowArea(), new ComputeArea(), new OperationsArea()];
}
