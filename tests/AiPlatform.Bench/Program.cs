using System.Text.Json;
using AiPlatform.Bench.Measurements;
using AiPlatform.Bench.Platform;

if (args is ["taskHubWorker", var connection])
{
    return await TaskHubWorker.RunAsync(connection);
}

// Measures the running platform and prints one JSON document. Usage:
//   dotnet run -c Release --project tests/AiPlatform.Bench --
//     [startup crud submit tracking trackingReads trackingScale datasets coldStart functionsHost memory idle tasks lineage quality broker taskHub taskHubMemory]
// The last three start servers of their own instead of the platform.
var wanted = args.Length == 0 ? ["startup", "memory", "coldStart", "crud", "submit"] : args;
using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(20));
var results = new Dictionary<string, object>(StringComparer.Ordinal) { ["machine"] = Machine.Describe() };

await using var platform = wanted.All(name => name is "broker" || name.StartsWith("taskHub", StringComparison.Ordinal)) ? null : await PlatformProcess.StartAsync(stop.Token);
foreach (var name in wanted)
{
    Console.Error.WriteLine($"measuring {name} …");
    results[name] = name switch
    {
        "startup" => await Startup.MeasureAsync(platform!, stop.Token),
        "memory" => await IdleMemory.MeasureAsync(platform!, stop.Token),
        "idle" => await Idle.MeasureAsync(platform!, stop.Token),
        "functionsHost" => await FunctionsHostHop.MeasureAsync(platform!, stop.Token),
        "coldStart" => await ColdStart.MeasureAsync(platform!, stop.Token),
        "crud" => await Crud.MeasureAsync(platform!, stop.Token),
        "submit" => await SubmitLatency.MeasureAsync(platform!, stop.Token),
        "tracking" => await Tracking.MeasureAsync(platform!, stop.Token),
        "trackingReads" => await TrackingReads.MeasureAsync(platform!, stop.Token),
        "trackingScale" => await TrackingScale.MeasureAsync(platform!, stop.Token),
        "datasets" => await Datasets.MeasureAsync(platform!, stop.Token),
        "tasks" => await TaskThroughput.MeasureAsync(platform!, stop.Token),
        "broker" => await BrokerLoad.MeasureAsync(stop.Token),
        "lineage" => await LineageQueries.MeasureAsync(platform!, stop.Token),
        "quality" => await QualityReports.MeasureAsync(platform!, stop.Token),
        "taskHub" => await TaskHubLoad.MeasureAsync(stop.Token),
        "taskHubMemory" => await TaskHubLoad.MeasureMemoryAsync(stop.Token),
        _ => throw new ArgumentException($"Unknown measurement '{name}'.", nameof(args)),
    };
}

Console.WriteLine(JsonSerializer.Serialize(results, JsonOutput.Options));
return 0;
