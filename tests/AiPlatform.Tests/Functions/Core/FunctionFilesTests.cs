using System.Text.Json;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>host.json and functions/triggers hold what the Functions host demands of a custom handler (shared facts).</summary>
public sealed class FunctionFilesTests
{
    private static readonly string Root = FindRoot();

    [Fact]
    public void The_host_proxies_http_and_adds_no_prefix()
    {
        using var host = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root, "host.json")));
        var handler = host.RootElement.GetProperty("customHandler");
        Assert.True(handler.GetProperty("enableProxyingHttpRequest").GetBoolean());
        Assert.False(handler.TryGetProperty("enableForwardingHttpRequest", out _));
        Assert.False(handler.TryGetProperty("http", out _), "customHandler.http.routes and function.json files exclude each other");
        Assert.Equal("AiPlatform.Functions", handler.GetProperty("description").GetProperty("defaultExecutablePath").GetString());
        Assert.Equal(string.Empty, host.RootElement.GetProperty("extensions").GetProperty("http").GetProperty("routePrefix").GetString());
        var bundle = host.RootElement.GetProperty("extensionBundle");
        Assert.Equal("Microsoft.Azure.Functions.ExtensionBundle", bundle.GetProperty("id").GetString());
        Assert.Equal("[4.*, 5.0.0)", bundle.GetProperty("version").GetString());
    }

    [Fact]
    public void Http_functions_have_one_trigger_one_http_output_no_authentication_of_the_host_and_no_methods()
    {
        foreach (var (name, bindings) in Functions().Where(static function => IsHttp(function.Bindings)))
        {
            Assert.True(bindings.Count == 2, name);
            Assert.Equal("anonymous", bindings[0].GetProperty("authLevel").GetString());
            Assert.False(bindings[0].TryGetProperty("methods", out _), $"{name}: an unlisted method would be a 404");
            Assert.Equal(("http", "out"), (bindings[1].GetProperty("type").GetString(), bindings[1].GetProperty("direction").GetString()));
            var route = bindings[0].GetProperty("route").GetString()!;
            Assert.False(route.StartsWith("admin", StringComparison.OrdinalIgnoreCase) || route.StartsWith("runtime", StringComparison.OrdinalIgnoreCase), $"{name}: the host rejects {route}");
        }
    }

    [Fact]
    public void The_catch_all_of_everything_registers_last()
    {
        // Functions register in name order and the first route that fits wins.
        var last = Functions().Select(static function => function.Name).Order(StringComparer.Ordinal).Last();
        Assert.Equal("{*path}", Functions().Single(function => function.Name == last).Bindings[0].GetProperty("route").GetString());
    }

    [Fact]
    public void The_timer_is_bound_and_nothing_waits_for_a_queue()
    {
        var tick = Assert.Single(Functions().Single(static function => function.Name == "tick").Bindings);
        Assert.Equal("timerTrigger", tick.GetProperty("type").GetString());
        Assert.Equal("*/10 * * * * *", tick.GetProperty("schedule").GetString());
        Assert.DoesNotContain(Functions().SelectMany(static function => function.Bindings), static binding => binding.GetProperty("type").GetString() == "serviceBusTrigger");
    }

    private static bool IsHttp(IReadOnlyList<JsonElement> bindings) => bindings[0].GetProperty("type").GetString() == "httpTrigger";

    private static List<(string Name, IReadOnlyList<JsonElement> Bindings)> Functions()
        => [.. Directory.EnumerateFiles(Path.Combine(Root, "functions", "triggers"), "function.json", SearchOption.AllDirectories)
            .Select(static file => (
                Path.GetFileName(Path.GetDirectoryName(file))!,
                (IReadOnlyList<JsonElement>)[.. JsonDocument.Parse(File.ReadAllText(file)).RootElement.GetProperty("bindings").EnumerateArray()]))];

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AiPlatform.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
