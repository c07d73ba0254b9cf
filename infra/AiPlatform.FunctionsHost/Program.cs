return await AiPlatform.Hosting.Processes.ServerProcess.RunAsync(() => AiPlatform.FunctionsHost.FunctionsHostApp.Build(args));
