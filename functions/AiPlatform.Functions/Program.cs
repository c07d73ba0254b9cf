System.Console.WriteLine("AiPlatform.Functions");
