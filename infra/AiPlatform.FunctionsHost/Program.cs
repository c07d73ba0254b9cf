await AiPlatform.FunctionsHost.FunctionsHostApp.Build(args).RunAsync();
