using System.Net;
using System.Text;
using AiPlatform.Contracts;
using AiPlatform.Functions.Infrastructure;
using AiPlatform.IntegrationTests.Servers;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Replays the invocations of the Functions host literally (shared facts, "Other triggers").</summary>
[Collection(ServersCollection.Name)]
public sealed class TriggerTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>, IAsyncLifetime
{
    private const string TickBody =
        """{"Data":{"tick":{"Schedule":{"AdjustForDST":true},"ScheduleStatus":null,"IsPastDue":false}},"Metadata":{"sys":{"MethodName":"tick","UtcNow":"2026-05-01T12:00:00Z","RandGuid":"1b4e28ba-2fa1-11d2-883f-0016d3cca427"}}}""";

    private readonly RecordingTick _tick = new();
    private FunctionsInstance _app = null!;
    private HttpClient _host = null!;

    public async Task InitializeAsync()
    {
        _app = await FunctionsInstance.StartAsync(functions.Settings, configure: builder =>
        {
            builder.Services.AddSingleton<ITickTask>(_tick);
        });
        _host = _app.CreateClient();
    }

    public async Task DisposeAsync()
    {
        _host.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task A_timer_invocation_runs_every_task_and_is_answered_with_200_and_an_object()
    {
        var answer = await InvokeAsync("/tick", TickBody);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("""{"Outputs":{},"Logs":[],"ReturnValue":null}""", await answer.Content.ReadAsStringAsync());
        Assert.Equal(1, _tick.Runs);
    }

    [Fact]
    public async Task A_tick_task_that_fails_fails_the_invocation()
    {
        _tick.Fail = true;
        Assert.Equal(HttpStatusCode.InternalServerError, (await InvokeAsync("/tick", TickBody)).StatusCode);
    }

    [Theory]
    [InlineData("X-Forwarded-For", "203.0.113.7")]
    [InlineData("X-Forwarded-Host", "platform.example")]
    public async Task What_the_host_forwards_from_outside_never_reaches_a_trigger(string header, string value)
    {
        await InvokeAsync("/tick", TickBody, (header, value)).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        Assert.Equal(0, _tick.Runs);
    }

    [Fact]
    public async Task A_configured_key_is_demanded()
    {
        var settings = new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal) { ["Triggers:Key"] = "secret" };
        await using var app = await FunctionsInstance.StartAsync(settings);
        using var client = app.CreateClient();
        await client.PostJsonAsync("/tick", TickBody).ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        await client.PostJsonAsync("/tick", TickBody, ("x-aip-trigger-key", "wrong")).ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        Assert.Equal(HttpStatusCode.OK, (await client.PostJsonAsync("/tick", TickBody, ("x-aip-trigger-key", "secret"))).StatusCode);
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
