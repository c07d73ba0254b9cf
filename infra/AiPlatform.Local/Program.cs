return await AiPlatform.Local.LocalApp.RunAsync(args);
