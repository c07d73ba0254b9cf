using AiPlatform.Orchestrations;

await OrchestrationsApp.Build(args).RunAsync();
