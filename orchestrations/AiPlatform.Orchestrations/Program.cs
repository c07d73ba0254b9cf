using AiPlatform.Hosting.Processes;
using AiPlatform.Orchestrations;

return await ServerProcess.RunAsync(() => OrchestrationsApp.Build(args));
