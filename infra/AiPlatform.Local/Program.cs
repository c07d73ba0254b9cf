System.Console.WriteLine("AiPlatform.Local");
