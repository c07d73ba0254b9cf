System.Console.WriteLine("AiPlatform.Orchestrations");
