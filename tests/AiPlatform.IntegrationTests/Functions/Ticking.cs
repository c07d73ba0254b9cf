using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions;

/// <summary>Fires the timer of an instance without a Functions host.</summary>
internal sealed class Ticking : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    public Ticking(FunctionsInstance app) => _loop = RunAsync(app.Services.GetRequiredService<TickRunner>(), _stop.Token);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private static async Task RunAsync(TickRunner ticks, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await ticks.RunAsync(stoppingToken);
                }
                catch (AggregateException)
                {
                    // Logged by the runner; the next tick tries again, as a host's would.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The test has ended.
        }
    }
}
