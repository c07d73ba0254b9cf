System.Console.WriteLine("AiPlatform.TaskHub");
