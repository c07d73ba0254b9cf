System.Console.WriteLine("AiPlatform.ServiceBusEmulator");
