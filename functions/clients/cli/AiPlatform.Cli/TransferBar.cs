using Spectre.Console;

namespace AiPlatform.Cli;

/// <summary>A progress bar with speed and remaining time for transfers that have stages.</summary>
internal sealed class TransferBar
{
    private readonly ProgressContext _context;
    private readonly Lock _lock = new();
    private ProgressTask? _task;

    private TransferBar(ProgressContext context) => _context = context;

    /// <summary>Shows a bar while the work goes on.</summary>
    public static Task<T> RunAsync<T>(IAnsiConsole console, Func<TransferBar, Task<T>> work)
        => console.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(context => work(new TransferBar(context)));

    /// <summary>Shows a bar for work that has no bytes.</summary>
    public static Task<T> RunStepsAsync<T>(IAnsiConsole console, Func<TransferBar, Task<T>> work)
        => console.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(context => work(new TransferBar(context)));

    /// <summary>Says how far a stage is; another name begins another bar.</summary>
    public void Set(string stage, long done, long total)
    {
        lock (_lock)
        {
            if (_task?.Description != stage)
            {
                _task?.Value(_task.MaxValue);
                _task = _context.AddTask(stage, maxValue: Math.Max(total, 1));
            }

            // Reports of parallel transfers may come in another order.
            _task.MaxValue = Math.Max(total, 1);
            _task.Value = Math.Max(_task.Value, total == 0 ? 1 : done);
        }
    }
}
