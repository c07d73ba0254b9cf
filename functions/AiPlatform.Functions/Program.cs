await AiPlatform.Functions.FunctionsApp.Build(args).RunAsync();
