using AiPlatform.GpuRunner;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.Hosting.Processes;

ProcessTree.BecomeSubreaper();
return await ServerProcess.RunAsync(() => GpuRunnerApp.Build(args));
