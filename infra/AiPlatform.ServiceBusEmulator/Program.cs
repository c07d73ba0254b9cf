using AiPlatform.Hosting.Processes;
using AiPlatform.ServiceBusEmulator;

return await ServerProcess.RunAsync(() => ServiceBusEmulatorApp.Build(args));
