return await AiPlatform.Hosting.Processes.ServerProcess.RunAsync(() => AiPlatform.Functions.FunctionsApp.Build(args));
