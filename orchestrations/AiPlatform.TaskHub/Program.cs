await AiPlatform.TaskHub.TaskHubApp.Build(args).RunAsync();
