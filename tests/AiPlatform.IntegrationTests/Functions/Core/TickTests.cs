using System.Net;
using AiPlatform.Contracts;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>What the timer runs; a Functions host fires it, and nobody else can.</summary>
[Collection(ServersCollection.Name)]
public sealed class TickTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>, IAsyncLifetime
{
    private readonly RecordingTick _tick = new();
    private readonly RecordingTick _last = new();
    private FunctionsInstance _app = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        _app = await FunctionsInstance.StartAsync(functions.Settings, configure: builder =>
        {
            builder.Services.AddSingleton<ITickTask>(_tick);
            builder.Services.AddSingleton<ITickTask>(_last);
        });
        _client = _app.CreateClient();
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
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
        => await _client.PostJsonAsync("/tick", "{}").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);

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
