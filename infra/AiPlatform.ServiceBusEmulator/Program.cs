using AiPlatform.ServiceBusEmulator;

await ServiceBusEmulatorApp.Build(args).RunAsync();
