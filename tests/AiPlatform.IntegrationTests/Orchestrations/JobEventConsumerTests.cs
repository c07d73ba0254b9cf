using System.Collections.Concurrent;
using System.Net;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.GpuRunner;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Orchestrations.Training.JobEvents;
using Azure.Messaging.ServiceBus;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AiPlatform.IntegrationTests.Orchestrations;

/// <summary>The consumer of job events between the real broker and an API that answers as the test says.</summary>
[Collection(OrchestrationsCollection.Name)]
public sealed class JobEventConsumerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Job = "0123456789abcdef0123456789abcdef";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<string> _reported = new();
    private readonly Uri _apiUrl = new($"http://127.0.0.1:{TcpPorts.Free()}");
    private TestBroker _broker = null!;
    private WebApplication _api = null!;
    private HttpClient _http = null!;
    private JobEventConsumer _consumer = null!;
    private Func<JobEvent, CancellationToken, Task<IResult>> _answer = static (_, _) => Task.FromResult(Results.NoContent());

    public async Task InitializeAsync()
    {
        _broker = await TestBroker.StartAsync(await postgres.CreateDatabaseAsync("events"));
        _api = await StartApiAsync();
        _http = CreateHttp();
        _consumer = NewConsumer();
    }

    public async Task DisposeAsync()
    {
        await _consumer.DisposeAsync();
        await _api.DisposeAsync();
        await _broker.DisposeAsync();
        _http.Dispose();
    }

    [Fact]
    public async Task An_event_is_reported_and_its_message_is_gone()
    {
        await _consumer.StartAsync(CancellationToken.None);
        await SendAsync("one");
        await Eventually.TrueAsync(async () => _reported.Contains("one") && await IsEmptyAsync(), "the event is reported and gone");
        await _consumer.StopAsync(CancellationToken.None);
        Assert.Equal(["one"], _reported);
    }

    [Fact]
    public async Task While_the_api_is_away_events_wait_and_no_delivery_is_used_up()
    {
        await _api.DisposeAsync();
        await _consumer.StartAsync(CancellationToken.None);
        await SendAsync("patient");
        await Task.Delay(TimeSpan.FromSeconds(3));
        await using (var watcher = _broker.Client.CreateReceiver(JobQueues.Events))
        {
            var waiting = await watcher.PeekMessageAsync(0);
            Assert.Equal(("patient", 0), (waiting?.MessageId, waiting?.DeliveryCount));
        }

        _api = await StartApiAsync();
        await Eventually.TrueAsync(IsEmptyAsync, "the event is reported");
        Assert.Equal(["patient"], _reported);
    }

    [Fact]
    public async Task What_the_api_refuses_or_nobody_can_read_is_a_dead_letter_that_says_why()
    {
        _answer = static (_, _) => Task.FromResult(Results.Json(
            new ProblemResponse(ErrorCodes.InvalidRequest, "Invalid", 400, "The node is negative."), ContractsJson.Strict, "application/problem+json", 400));
        await _consumer.StartAsync(CancellationToken.None);
        await SendAsync("refused");
        await using var sender = _broker.Client.CreateSender(JobQueues.Events);
        await sender.SendMessageAsync(new ServiceBusMessage("no json"));
        await sender.SendMessageAsync(new ServiceBusMessage("""{"eventId":"e","jobId":"../../admin","attempt":1,"node":0,"kind":"started","at":"2026-01-01T00:00:00Z"}"""));
        await using var dead = _broker.Client.CreateReceiver(JobQueues.Events, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        var letters = new List<ServiceBusReceivedMessage>();
        while (letters.Count < 3)
        {
            letters.Add(await dead.ReceiveMessageAsync(Soon) ?? throw new TimeoutException("No dead letter came."));
        }

        Assert.Equal(
            ["invalid_message", "invalid_message", ErrorCodes.InvalidRequest], letters.Select(static letter => letter.DeadLetterReason).Order(StringComparer.Ordinal));
        Assert.Contains(letters, static letter => letter.DeadLetterErrorDescription.Contains("The node is negative.", StringComparison.Ordinal));
        Assert.All(letters, static letter => Assert.Equal(1, letter.DeliveryCount));
    }

    [Fact]
    public async Task An_event_that_breaks_the_api_comes_again_until_its_deliveries_are_used_up()
    {
        _answer = static (_, _) => Task.FromResult(Results.StatusCode(500));
        await _consumer.StartAsync(CancellationToken.None);
        await SendAsync("poison");
        await using var dead = _broker.Client.CreateReceiver(JobQueues.Events, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        var letter = await dead.ReceiveMessageAsync(TimeSpan.FromSeconds(60));
        Assert.Equal("MaxDeliveryCountExceeded", letter?.DeadLetterReason);
        Assert.Equal(TestBroker.MaxDeliveryCount, _reported.Count);
    }

    [Fact]
    public async Task A_consumer_that_stops_in_the_middle_gives_its_message_to_another_at_once()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _answer = async (_, aborted) =>
        {
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, aborted);
            return Results.NoContent();
        };
        await _consumer.StartAsync(CancellationToken.None);
        await SendAsync("halfway");
        await begun.Task.WaitAsync(Soon);
        await _consumer.StopAsync(CancellationToken.None).WaitAsync(Soon);

        // Its lock would last a minute.
        await using var other = _broker.Client.CreateReceiver(JobQueues.Events);
        var message = await other.ReceiveMessageAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(2, message?.DeliveryCount);
    }

    [Fact]
    public async Task A_consumer_may_start_before_the_broker()
    {
        var port = TcpPorts.Free();
        await using var early = new ServiceBusClient(ServiceBus.BrokerInstance.ConnectionStringFor(port), new ServiceBusClientOptions { RetryOptions = { MaxDelay = TimeSpan.FromSeconds(1) } });
        await using var consumer = new JobEventConsumer(early, Api(), TimeProvider.System, NullLogger<JobEventConsumer>.Instance);
        await consumer.StartAsync(CancellationToken.None);
        await Task.Delay(TimeSpan.FromSeconds(2));
        await using var late = await ServiceBus.BrokerInstance.StartAsync(
            await postgres.CreateDatabaseAsync("late"), port, settings: new Dictionary<string, string> { ["ServiceBus:Queues:4"] = JobQueues.Events });
        await using var client = late.CreateClient();
        await using var sender = client.CreateSender(JobQueues.Events);
        await sender.SendMessageAsync(Message("early bird"));
        await Eventually.TrueAsync(() => Task.FromResult(_reported.Contains("early bird")), "the event is reported");
        await consumer.StopAsync(CancellationToken.None);
    }

    private JobEventConsumer NewConsumer() => new(_broker.Client, Api(), TimeProvider.System, NullLogger<JobEventConsumer>.Instance);

    private HttpClient CreateHttp() => new() { BaseAddress = _apiUrl };

    private AiPlatformClient Api() => new(_http, new FixedTokenSource("token"), maxAttempts: 1);

    private static ServiceBusMessage Message(string id) => new(BinaryData.FromObjectAsJson(
        new JobEvent(id, Job, 1, 0, JobEventKind.Started, DateTimeOffset.UtcNow), ContractsJson.Strict))
    { MessageId = id };

    private async Task SendAsync(string id)
    {
        await using var sender = _broker.Client.CreateSender(JobQueues.Events);
        await sender.SendMessageAsync(Message(id));
    }

    private async Task<bool> IsEmptyAsync()
    {
        await using var watcher = _broker.Client.CreateReceiver(JobQueues.Events);
        return await watcher.PeekMessageAsync(0) is null;
    }

    private async Task<WebApplication> StartApiAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add(_apiUrl.ToString());
        app.MapPost("/v1/jobs/{job}/events", async (string job, HttpContext context) =>
        {
            var jobEvent = (await context.Request.ReadFromJsonAsync<JobEvent>(ContractsJson.Tolerant, context.RequestAborted))!;
            Assert.Equal((job, "Bearer token"), (jobEvent.JobId, context.Request.Headers.Authorization.ToString()));
            _reported.Enqueue(jobEvent.EventId);
            return await _answer(jobEvent, context.RequestAborted);
        });
        await app.StartAsync();
        return app;
    }
}
