return await AiPlatform.Hosting.Processes.ServerProcess.RunAsync(() => AiPlatform.TaskHub.TaskHubApp.Build(args));
