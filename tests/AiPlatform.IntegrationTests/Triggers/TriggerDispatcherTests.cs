using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Local.Triggers;
using AiPlatform.Messaging;
using AiPlatform.ServiceBusEmulator;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace AiPlatform.IntegrationTests.Triggers;

/// <summary>The dispatcher between the real broker and a custom handler that answers as the test says.</summary>
[Collection(ServersCollection.Name)]
public sealed class TriggerDispatcherTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip triggers ").FullName;
    private readonly Channel<(string Function, string? Key, JsonNode Body)> _invocations = Channel.CreateBounded<(string, string?, JsonNode)>(1_000);
    private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private readonly Uri _handlerUrl = new($"http://127.0.0.1:{TcpPorts.Free()}");
    private WebApplication _broker = null!;
    private WebApplication _handler = null!;
    private string _serviceBus = null!;

    public async Task InitializeAsync()
    {
        var port = TcpPorts.Free();
        var key = Convert.ToBase64String(new byte[32]);
        _serviceBus = $"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=root;SharedAccessKey={key};UseDevelopmentEmulator=true";
        _broker = ServiceBusEmulatorApp.Build(
        [
            $"--ConnectionStrings:Postgres={await postgres.CreateDatabaseAsync("triggers")}",
            $"--ServiceBus:AmqpPort={port.ToString(CultureInfo.InvariantCulture)}",
            $"--ServiceBus:HttpPort={TcpPorts.Free().ToString(CultureInfo.InvariantCulture)}",
            "--ServiceBus:SharedAccessKeyName=root",
            $"--ServiceBus:SharedAccessKey={key}",
            "--ServiceBus:Queues:0=things",
        ]);
        await _broker.StartReadyAsync();
        _handler = await StartHandlerAsync();
        Write("on-thing", """{"bindings":[{"type":"serviceBusTrigger","direction":"in","name":"msg","queueName":"things","connection":"ServiceBus"}]}""");
        Write("beat", """{"bindings":[{"type":"timerTrigger","direction":"in","name":"beat","schedule":"* * * * * *"}]}""");
    }

    public async Task DisposeAsync()
    {
        await _handler.DisposeAsync();
        await _broker.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_message_is_invoked_with_the_key_and_comes_back_when_the_handler_fails()
    {
        await using var dispatcher = await StartAsync();
        await using var client = new ServiceBusClient(_serviceBus);
        await using var sender = client.CreateSender("things");
        _failures["on-thing"] = 500;

        await sender.SendMessageAsync(new ServiceBusMessage("""{"id":7}""") { MessageId = "m-7" });

        var first = await NextAsync("on-thing");
        Assert.Equal("secret", first.Key);
        Assert.Equal("""{"id":7}""", JsonNode.Parse(first.Body["Data"]!["msg"]!.GetValue<string>())!.GetValue<string>());
        Assert.Equal("\"m-7\"", first.Body["Metadata"]!["MessageId"]!.GetValue<string>());
        Assert.Equal("1", first.Body["Metadata"]!["DeliveryCount"]!.GetValue<string>());
        Assert.Equal("2", (await NextAsync("on-thing")).Body["Metadata"]!["DeliveryCount"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_message_waits_while_the_handler_is_not_running_and_no_delivery_is_used_up()
    {
        await _handler.DisposeAsync();
        await using var dispatcher = await StartAsync();
        await using var client = new ServiceBusClient(_serviceBus);
        await using var sender = client.CreateSender("things");
        await sender.SendMessageAsync(new ServiceBusMessage("x") { MessageId = "m-1" });

        _handler = await StartHandlerAsync();

        Assert.Equal("1", (await NextAsync("on-thing")).Body["Metadata"]!["DeliveryCount"]!.GetValue<string>());
    }

    [Fact]
    public async Task A_timer_fires_by_its_schedule_and_a_failure_does_not_end_it()
    {
        _failures["beat"] = 500;
        await using var dispatcher = await StartAsync();

        Assert.False((await NextAsync("beat")).Body["Data"]!["beat"]!["IsPastDue"]!.GetValue<bool>());
        Assert.Equal("secret", (await NextAsync("beat")).Key);
    }

    private Task<TriggerDispatcher> StartAsync()
        => TriggerDispatcher.StartAsync(_folder, _handlerUrl, "secret", _serviceBus, Path.Combine(_folder, "log"), CancellationToken.None);

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
