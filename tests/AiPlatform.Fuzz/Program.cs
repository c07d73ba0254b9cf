using AiPlatform.Fuzz;
using AiPlatform.Fuzz.Files;

return args is [FileWorker.Argument] ? await FileWorker.RunAsync() : await FuzzRun.RunAsync(args);
