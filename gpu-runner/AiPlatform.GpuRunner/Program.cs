System.Console.WriteLine("AiPlatform.GpuRunner");
