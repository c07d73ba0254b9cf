using System.Reflection;
using System.Text.Json;
using AiPlatform.Functions.Worker;
using Microsoft.Azure.Functions.Worker;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>host.json and the functions hold what a Functions host demands of an isolated worker (shared facts).</summary>
public sealed class FunctionDeclarationTests
{
    private static readonly (string Name, HttpTriggerAttribute? Http, TimerTriggerAttribute? Timer)[] Functions =
        [.. typeof(AppFunctions).GetMethods().Where(static method => method.IsDefined(typeof(FunctionAttribute))).Select(static method => (
            method.GetCustomAttribute<FunctionAttribute>()!.Name,
            method.GetParameters()[0].GetCustomAttribute<HttpTriggerAttribute>(),
            method.GetParameters()[0].GetCustomAttribute<TimerTriggerAttribute>()))];

    [Fact]
    public void The_host_adds_no_prefix_and_runs_no_custom_handler()
    {
        using var host = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "host.json")));
        Assert.Equal("2.0", host.RootElement.GetProperty("version").GetString());
        Assert.Equal(string.Empty, host.RootElement.GetProperty("extensions").GetProperty("http").GetProperty("routePrefix").GetString());
        Assert.False(host.RootElement.TryGetProperty("customHandler", out _));
        Assert.False(host.RootElement.TryGetProperty("extensionBundle", out _), "A worker names its extensions itself.");
    }

    [Fact]
    public void Http_functions_leave_authentication_and_methods_to_the_app()
    {
        var http = Functions.Where(static function => function.Http is not null).ToList();
        Assert.True(http.Count > 20, $"Only {http.Count} functions were found.");
        foreach (var (name, trigger, _) in http)
        {
            Assert.Equal(AuthorizationLevel.Anonymous, trigger!.AuthLevel);
            Assert.True(trigger.Methods is null or [], $"{name}: an unlisted method would be a 404");
            var route = trigger.Route!;
            Assert.False(route.StartsWith("admin", StringComparison.OrdinalIgnoreCase) || route.StartsWith("runtime", StringComparison.OrdinalIgnoreCase), $"{name}: the host rejects {route}");
        }
    }

    // The host goes through them by name, and the first route that fits wins.
    [Fact]
    public void What_catches_everything_comes_last()
    {
        var last = Functions.Where(static function => function.Http is not null).OrderBy(static function => function.Name, StringComparer.OrdinalIgnoreCase).Last();
        Assert.Equal("{*path}", last.Http!.Route);
        Assert.Single(Functions, static function => function.Http?.Route?.StartsWith('{') == true);
    }

    [Fact]
    public void One_timer_ticks_every_ten_seconds()
        => Assert.Equal(("tick", "*/10 * * * * *"), Assert.Single(Functions, static function => function.Timer is not null) is var tick ? (tick.Name, tick.Timer!.Schedule) : default);

    [Fact]
    public void The_worker_is_started_by_dotnet_and_tells_its_functions_itself()
    {
        using var config = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "worker.config.json")));
        var description = config.RootElement.GetProperty("description");
        Assert.Equal("dotnet", description.GetProperty("defaultExecutablePath").GetString());
        Assert.Equal("AiPlatform.Functions.dll", description.GetProperty("defaultWorkerPath").GetString());
        Assert.Equal("true", description.GetProperty("workerIndexing").GetString());
    }
}
