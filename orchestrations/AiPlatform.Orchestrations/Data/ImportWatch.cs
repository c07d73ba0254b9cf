using AiPlatform.Client;
using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Orchestrations.Data;

/// <summary>Reports the progress of a running step, about once a second, and ends its token when the import is to stop.</summary>
internal sealed class ImportWatch : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly AiPlatformClient _api;
    private readonly string _import;
    private readonly CancellationTokenSource _stop;
    private readonly Task _loop;
    private long _done;
    private long _total = -1;

    public ImportWatch(AiPlatformClient api, string import, CancellationToken cancellationToken)
    {
        _api = api;
        _import = import;
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Token = _stop.Token;
        _loop = Task.Run(LoopAsync, CancellationToken.None);
    }

    /// <summary>Ends when the import is to stop, or the activity.</summary>
    public CancellationToken Token { get; }

    /// <summary>Whether the import is to stop.</summary>
    public bool IsCancelled { get; private set; }

    /// <summary>Says how far the step is.</summary>
    public void Set(long done, long? total)
    {
        Interlocked.Exchange(ref _done, done);
        Interlocked.Exchange(ref _total, total ?? -1);
    }

    /// <summary>Reports at once.</summary>
    public async Task ReportAsync(ReportDatasetImportRequest report) => Look(await _api.ReportDatasetImportAsync(_import, report, Token));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(Token))
        {
            try
            {
                var total = Interlocked.Read(ref _total);
                await ReportAsync(new ReportDatasetImportRequest(DatasetImportStatus.Running, Interlocked.Read(ref _done), total < 0 ? null : total));
            }
            catch (Exception exception) when (!Token.IsCancellationRequested && exception is (ApiException or HttpRequestException or OperationCanceledException))
            {
                // The next report says the same and more.
            }
        }
    }

    private void Look(DatasetImport import)
    {
        if (import.Status is not (DatasetImportStatus.Running or DatasetImportStatus.Pending))
        {
            IsCancelled = true;
            _stop.Cancel();
        }
    }
}
