System.Console.WriteLine("AiPlatform.Bench");
