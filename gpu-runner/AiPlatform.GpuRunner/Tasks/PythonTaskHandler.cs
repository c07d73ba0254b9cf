using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Report;
using AiPlatform.Hosting;
using AiPlatform.TaskWorker;

namespace AiPlatform.GpuRunner.Tasks;

/// <summary>
/// Runs a function of a package in a process of its own: as job code is run, without the runner's rights, environment or folders.
/// Errors are of the kinds <c>python.{exception}</c>, <c>python.exit</c> (no answer), <c>limit_exceeded</c> and <c>invalid</c>.
/// </summary>
internal sealed class PythonTaskHandler(NodeServices services, AiPlatformClient client) : ITaskHandler
{
    private readonly ILogger _logger = services.Loggers.CreateLogger<PythonTaskHandler>();

    private const int MaxAnswerBytes = 256 * 1024;
    private static readonly TimeSpan OutputPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <inheritdoc />
    public string Name => TaskHandlers.Python;

    /// <inheritdoc />
    public async Task<JsonElement?> RunAsync(TaskContext task, CancellationToken cancellationToken)
    {
        var payload = task.Assignment.Payload?.Deserialize<PythonTaskPayload>(ContractsJson.Tolerant)
            ?? throw new TaskFailedException("invalid", "The task has no payload.");
        var workspace = new TaskWorkspace(services.Identity.DataDirectory, task.Assignment);
        try
        {
            var package = await client.GetTaskPackageContentAsync(payload.Package, cancellationToken).ConfigureAwait(false);
            workspace.Stage(package, payload, services.Isolation.Account);
            return await RunAsync(task, workspace, cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.NotFound)
        {
            throw new TaskFailedException("invalid", $"There is no package {payload.Package}.");
        }
        finally
        {
            Logs.Remaining(_logger, workspace.Delete());
        }
    }

    // Again when the machine refuses only for now: nothing of the function has run then.
    private async Task<JsonElement?> RunAsync(TaskContext task, TaskWorkspace workspace, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await RunOnceAsync(task, workspace, cancellationToken).ConfigureAwait(false);
            }
            catch (NotStartedException exception) when (attempt < services.Options.StartAttempts)
            {
                Logs.TaskStartedAgain(_logger, task.Assignment.TaskId, exception.Message);
                await Task.Delay(BackOff.After(attempt, FirstPause, LongestPause), services.Time, cancellationToken).ConfigureAwait(false);
            }
            catch (NotStartedException exception)
            {
                throw new TaskFailedException("python.exit", $"The process could not be started. {exception.Message}");
            }
        }
    }

    private static RankProcess Start(LaunchPlan plan, RankLog log)
    {
        try
        {
            return RankProcess.Start(plan, log);
        }
        catch (Win32Exception exception) when (StartFailure.IsTemporary(exception))
        {
            throw new NotStartedException(exception.Message);
        }
    }

    private async Task<JsonElement?> RunOnceAsync(TaskContext task, TaskWorkspace workspace, CancellationToken cancellationToken)
    {
        var log = new RankLog(Path.Combine(workspace.Root, "output.log"), services.Options.LogLimitBytes, TaskLogRule.MaxBytes);
        await using (log.ConfigureAwait(false))
        {
            using var process = Start(Plan(workspace), log);
            var output = new TaskOutput(task.Assignment, log, client, services.Time, _logger);
            var exceeded = false;
            using var watch = new LimitWatch(services.Options.Limits, 1, [workspace.Code, workspace.Home], services.Time);
            var known = new HashSet<(int, ulong)> { (process.Entry.Id, process.Entry.StartTime) };
            try
            {
                while (await Task.WhenAny(process.Exited, watch.WaitAsync(cancellationToken)).ConfigureAwait(false) != process.Exited)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    if (await watch.LookAsync([process.Entry], workspace.Marker, known).ConfigureAwait(false) is { } reason)
                    {
                        exceeded = true;
                        throw new TaskFailedException(LimitWatch.Code, reason);
                    }

                    task.Progress = workspace.ReadProgress() ?? task.Progress;
                    await output.ShowAsync(cancellationToken).ConfigureAwait(false);
                }
            }
            finally
            {
                // What the function started ends with it.
                var grace = exceeded || process.Exited.IsCompleted ? TimeSpan.Zero : services.Options.KillGrace;
                await ProcessTree.EndAsync(workspace.Marker, known, grace, services.Time, CancellationToken.None).ConfigureAwait(false);
                await process.FinishOutputAsync(OutputPatience, services.Time).ConfigureAwait(false);
                await output.FinishAsync().ConfigureAwait(false);
            }

            return Answer(workspace, await process.Exited.ConfigureAwait(false), log);
        }
    }

    private static JsonElement? Answer(TaskWorkspace workspace, int exitCode, RankLog log)
    {
        if (workspace.ReadAnswer(MaxAnswerBytes) is not { } answer)
        {
            if (StartFailure.IsTemporary(exitCode, log.LastLines()))
            {
                throw new NotStartedException(log.LastLines());
            }

            throw new TaskFailedException("python.exit", $"The process ended with {exitCode} and no answer. {log.LastLines()}");
        }

        if (answer.TryGetProperty("error", out var error))
        {
            var name = error.ToString();
            throw new TaskFailedException($"python.{name[..Math.Min(name.Length, 50)]}", $"{answer.GetProperty("message")}\n{log.LastLines()}");
        }

        return answer.TryGetProperty("result", out var result) ? result : null;
    }

    // The machine had nothing left to start the process with.
    private sealed class NotStartedException(string message) : Exception(message);

    private LaunchPlan Plan(TaskWorkspace workspace)
    {
        var options = services.Options;
        var runtime = services.Stager.PythonDirectory;
        var view = new SandboxView(
            workspace.Code, workspace.Home, [workspace.Code, workspace.Home],
            [runtime, .. JobIsolation.FoldersOf(options.Python), .. options.SandboxFolders], Gpus: false);
        var isolation = services.Isolation.For(workspace.Marker);
        var command = isolation.Command(view, options.Python, "-u", Path.Combine(runtime, "aiplatform_runtime", "task.py"));
        return new LaunchPlan(workspace.Marker, 0, workspace.Code, command, isolation.Environment(new Dictionary<string, string>
        {
            ["PATH"] = "/usr/local/bin:/usr/bin:/bin",
            ["LANG"] = "C.UTF-8",
            ["HOME"] = workspace.Home,
            ["TMPDIR"] = workspace.Home,
            ["PYTHONDONTWRITEBYTECODE"] = "1",
            ["PYTHONPATH"] = $"{workspace.Code}:{runtime}",
            ["OMP_NUM_THREADS"] = Environment.ProcessorCount.ToString(CultureInfo.InvariantCulture),
            [Launcher.WaitPolicy] = "PASSIVE",
            ["CUDA_VISIBLE_DEVICES"] = "", // GPUs belong to jobs, which ask for them.
            ["AIP_NODE"] = workspace.Marker,
            ["AIP_TASK_INPUT"] = workspace.Input,
            ["AIP_TASK_RESULT"] = workspace.Result,
            ["AIP_TASK_PROGRESS"] = workspace.Progress,
        }));
    }
}
