using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using AiPlatform.Hosting;
using AiPlatform.Local.Triggers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AiPlatform.IntegrationTests.Triggers;

/// <summary>The dispatcher before a custom handler that answers as the test says.</summary>
public sealed class TriggerDispatcherTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip triggers ").FullName;
    private readonly Channel<(string Function, string? Key, JsonNode Body)> _invocations = Channel.CreateBounded<(string, string?, JsonNode)>(1_000);
    private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private readonly Uri _handlerUrl = new($"http://127.0.0.1:{TcpPorts.Free()}");
    private WebApplication _handler = null!;

    public async Task InitializeAsync()
    {
        _handler = await StartHandlerAsync();
        Write("beat", """{"bindings":[{"type":"timerTrigger","direction":"in","name":"beat","schedule":"* * * * * *"}]}""");
    }

    public async Task DisposeAsync()
    {
        await _handler.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_timer_fires_by_its_schedule_and_a_failure_does_not_end_it()
    {
        _failures["beat"] = 500;
        await using var dispatcher = TriggerDispatcher.Start(_folder, _handlerUrl, "secret", Path.Combine(_folder, "log"));

        Assert.False((await NextAsync("beat")).Body["Data"]!["beat"]!["IsPastDue"]!.GetValue<bool>());
        Assert.Equal("secret", (await NextAsync("beat")).Key);
    }

    [Fact]
    public async Task A_timer_waits_while_the_handler_is_not_running()
    {
        await _handler.DisposeAsync();
        await using var dispatcher = TriggerDispatcher.Start(_folder, _handlerUrl, "secret", Path.Combine(_folder, "log"));
        await Task.Delay(TimeSpan.FromSeconds(1.5));

        _handler = await StartHandlerAsync();

        Assert.Equal("secret", (await NextAsync("beat")).Key);
    }

    private async Task<(string? Key, JsonNode Body)> NextAsync(string function)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            var (name, key, body) = await _invocations.Reader.ReadAsync(limit.Token);
            if (name == function)
            {
                return (key, body);
            }
        }
    }

    private async Task<WebApplication> StartHandlerAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add(_handlerUrl.ToString());
        app.MapPost("/{function}", async (string function, HttpRequest request) =>
        {
            var body = await JsonNode.ParseAsync(request.Body);
            await _invocations.Writer.WriteAsync((function, request.Headers["x-aip-trigger-key"], body!));
            return _failures.TryRemove(function, out var status) ? Results.StatusCode(status) : Results.Json(new { });
        });
        await app.StartAsync();
        return app;
    }

    private void Write(string function, string json)
    {
        Directory.CreateDirectory(Path.Combine(_folder, function));
        File.WriteAllText(Path.Combine(_folder, function, "function.json"), json);
    }
}
