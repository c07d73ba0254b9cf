using System.Net;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.Functions.Triggers;
using AiPlatform.IntegrationTests.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Replays the invocations of the Functions host literally (shared facts, "Other triggers").</summary>
[Collection(ServersCollection.Name)]
public sealed class TriggerTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>, IAsyncLifetime
{
    private readonly RecordingTrigger _trigger = new();
    private readonly RecordingTick _tick = new();
    private readonly RecordingTick _last = new();
    private FunctionsInstance _app = null!;
    private HttpClient _host = null!;

    public async Task InitializeAsync()
    {
        _app = await FunctionsInstance.StartAsync(functions.Settings, configure: builder =>
        {
            builder.Services.AddSingleton<IQueueTrigger>(_trigger);
            builder.Services.AddSingleton<ITickTask>(_tick);
            builder.Services.AddSingleton<ITickTask>(_last);
        });
        _host = _app.CreateClient();
    }

    public async Task DisposeAsync()
    {
        _host.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task A_tick_runs_every_task_and_one_that_fails_fails_it_and_keeps_no_other_from_running()
    {
        var ticks = _app.Services.GetRequiredService<TickRunner>();
        await ticks.RunAsync(CancellationToken.None);
        Assert.Equal(1, _tick.Runs);

        _tick.Fail = true;
        var failure = await Assert.ThrowsAsync<AggregateException>(() => ticks.RunAsync(CancellationToken.None));
        Assert.IsType<InvalidDataException>(Assert.Single(failure.InnerExceptions));
        Assert.Equal(2, _last.Runs);
    }

    [Fact]
    public async Task A_tick_is_no_route_that_anybody_could_call()
        => await _host.PostJsonAsync("/tick", "{}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);

    [Theory]
    [InlineData("""{"Data":{"msg":"\"{\\\"id\\\":1}\""},"Metadata":{"MessageId":"\"m-1\"","DeliveryCount":"1","sys":{"MethodName":"recorded"}}}""")]
    [InlineData("""{"Data":{"msg":"{\"id\":1}"},"Metadata":{"MessageId":"m-1","DeliveryCount":"1"}}""")]
    public async Task A_message_arrives_encoded_twice_or_once(string body)
    {
        var answer = await InvokeAsync("/recorded", body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.ValueKind);
        Assert.Equal(new QueueMessage("""{"id":1}""", "m-1", 1), Assert.Single(_trigger.Messages));
    }

    [Fact]
    public async Task A_message_that_cannot_be_handled_is_no_2xx_so_that_the_host_abandons_it()
    {
        _trigger.Fail = true;
        Assert.Equal(HttpStatusCode.InternalServerError, (await InvokeAsync("/recorded", """{"Data":{"msg":"x"},"Metadata":{}}""")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await InvokeAsync("/recorded", "{}")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await InvokeAsync("/recorded", "not json")).StatusCode);
    }

    [Fact]
    public async Task A_message_of_the_largest_size_of_service_bus_is_accepted()
    {
        var message = JsonSerializer.Serialize(new string('"', 1024 * 1024));
        var body = $$$"""{"Data":{"msg":{{{JsonSerializer.Serialize(message)}}}},"Metadata":{}}""";
        Assert.Equal(HttpStatusCode.OK, (await InvokeAsync("/recorded", body)).StatusCode);
        Assert.Equal(1024 * 1024, Assert.Single(_trigger.Messages).Body.Length);
    }

    [Theory]
    [InlineData("X-Forwarded-For", "203.0.113.7")]
    [InlineData("X-Forwarded-Host", "platform.example")]
    public async Task What_the_host_forwards_from_outside_never_reaches_a_trigger(string header, string value)
    {
        await InvokeAsync("/recorded", """{"Data":{"msg":"x"}}""", (header, value)).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Empty(_trigger.Messages);
    }

    [Fact]
    public async Task A_configured_key_is_demanded()
    {
        var settings = new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal) { ["Triggers:Key"] = "secret" };
        const string body = """{"Data":{"msg":"x"},"Metadata":{}}""";
        await using var app = await FunctionsInstance.StartAsync(settings, configure: builder => builder.Services.AddSingleton<IQueueTrigger>(_trigger));
        using var client = app.CreateClient();
        await client.PostJsonAsync("/recorded", body).ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        await client.PostJsonAsync("/recorded", body, ("x-aip-trigger-key", "wrong")).ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        Assert.Equal(HttpStatusCode.OK, (await client.PostJsonAsync("/recorded", body, ("x-aip-trigger-key", "secret"))).StatusCode);
    }

    // Chunked, without a length, as the host sends it.
    private Task<HttpResponseMessage> InvokeAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TransferEncodingChunked = true;
        foreach (var (name, value) in headers)
        {
            request.Headers.Add(name, value);
        }

        return _host.SendAsync(request);
    }

    private sealed class RecordingTrigger : IQueueTrigger
    {
        public List<QueueMessage> Messages { get; } = [];

        public bool Fail { get; set; }

        public string Function => "recorded";

        public Task HandleAsync(QueueMessage message, CancellationToken cancellationToken)
        {
            if (Fail)
            {
                throw new InvalidDataException("It cannot be handled.");
            }

            Messages.Add(message);
            return Task.CompletedTask;
        }
    }

    private sealed class RecordingTick : ITickTask
    {
        public int Runs { get; private set; }

        public bool Fail { get; set; }

        public Task RunAsync(CancellationToken cancellationToken)
        {
            Runs++;
            return Fail ? throw new InvalidDataException("It failed.") : Task.CompletedTask;
        }
    }
}
