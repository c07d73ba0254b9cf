using AiPlatform.Client;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Lease;
using AiPlatform.GpuRunner.Report;
using AiPlatform.GpuRunner.Workspace;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>What every node run shares.</summary>
internal sealed class NodeServices(
    IOptions<RunnerOptions> options, RunnerIdentity identity, AiPlatformClient client, WorkspaceStager stager, GpuAllocator gpus,
    NodeJournalFactory journals, IsolationCheck isolation, DeviceDetector devices, TimeProvider time, ILoggerFactory loggers)
{
    public RunnerOptions Options => options.Value;

    public RunnerIdentity Identity => identity;

    /// <summary>With the runner's own identity.</summary>
    public AiPlatformClient Client => client;

    public WorkspaceStager Stager => stager;

    public GpuAllocator Gpus => gpus;

    public NodeJournalFactory Journals => journals;

    public DeviceDetector Devices => devices;

    public TimeProvider Time => time;

    public ILoggerFactory Loggers => loggers;

    /// <summary>How job code is kept from everything that is not its own.</summary>
    public JobIsolation Isolation => isolation.Isolation;
}
