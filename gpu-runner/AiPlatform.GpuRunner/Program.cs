using AiPlatform.GpuRunner;
using AiPlatform.GpuRunner.Launch;

ProcessTree.BecomeSubreaper();
await GpuRunnerApp.Build(args).RunAsync();
