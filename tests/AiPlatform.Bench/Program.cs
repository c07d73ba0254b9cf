using System.Text.Json;
using AiPlatform.Bench.Measurements;
using AiPlatform.Bench.Platform;

// Measures the running platform and prints one JSON document. Usage:
//   dotnet run -c Release --project tests/AiPlatform.Bench -- [startup crud submit coldStart memory]
var wanted = args.Length == 0 ? ["startup", "memory", "coldStart", "crud", "submit"] : args;
using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(20));
var results = new Dictionary<string, object>(StringComparer.Ordinal) { ["machine"] = Machine.Describe() };

await using var platform = await PlatformProcess.StartAsync(stop.Token);
foreach (var name in wanted)
{
    Console.Error.WriteLine($"measuring {name} …");
    results[name] = name switch
    {
        "startup" => await Startup.MeasureAsync(platform, stop.Token),
        "memory" => await IdleMemory.MeasureAsync(platform, stop.Token),
        "coldStart" => await ColdStart.MeasureAsync(platform, stop.Token),
        "crud" => await Crud.MeasureAsync(platform, stop.Token),
        "submit" => await SubmitLatency.MeasureAsync(platform, stop.Token),
        _ => throw new ArgumentException($"Unknown measurement '{name}'.", nameof(args)),
    };
}

Console.WriteLine(JsonSerializer.Serialize(results, JsonOutput.Options));
