using AiPlatform.Client;
using AiPlatform.Contracts.Queues;
using AiPlatform.Hosting;
using Microsoft.Extensions.Logging;

namespace AiPlatform.TaskWorker;

/// <summary>Claims and reports in groups: while one call is under way the next group collects.</summary>
internal sealed class TaskReporter : IAsyncDisposable
{
    private const int MaxGroup = 256;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly AiPlatformClient _client;
    private readonly TaskWorkerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly GroupCommitWriter<Claim> _claims;
    private readonly GroupCommitWriter<TaskCompletion> _completions;

    public TaskReporter(AiPlatformClient client, TaskWorkerOptions options, TimeProvider time, ILogger logger)
    {
        (_client, _options, _time, _logger) = (client, options, time, logger);
        _claims = new GroupCommitWriter<Claim>(ClaimAsync, MaxGroup);
        _completions = new GroupCommitWriter<TaskCompletion>(CompleteAsync, MaxGroup);
    }

    /// <summary>Claims a released task; null when it is not to be had any more.</summary>
    public async Task<TaskAssignment?> ClaimAsync(TaskMessage message, CancellationToken cancellationToken)
    {
        var claim = new Claim(message);
        await _claims.AddAsync(claim, cancellationToken).ConfigureAwait(false);
        return claim.Assignment;
    }

    /// <summary>Reports the end of an attempt; returns when the platform has stored it.</summary>
    public Task CompleteAsync(TaskCompletion completion) => _completions.AddAsync(completion, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _claims.DisposeAsync().ConfigureAwait(false);
        await _completions.DisposeAsync().ConfigureAwait(false);
    }

    private async Task ClaimAsync(IReadOnlyList<Claim> group, CancellationToken cancellationToken)
    {
        var request = new ClaimTasksRequest(_options.WorkerId, [.. group.Select(static claim => claim.Message).DistinctBy(static message => message.TaskId)]);
        var granted = (await _client.ClaimTasksAsync(request, cancellationToken).ConfigureAwait(false)).Tasks
            .ToDictionary(static assignment => assignment.TaskId, StringComparer.Ordinal);
        foreach (var claim in group)
        {
            // Removed, so that a message that came twice runs once.
            claim.Assignment = granted.Remove(claim.Message.TaskId, out var assignment) && assignment.Fence == claim.Message.Fence ? assignment : null;
        }
    }

    private async Task CompleteAsync(IReadOnlyList<TaskCompletion> group, CancellationToken cancellationToken)
    {
        var request = new CompleteTasksRequest(_options.WorkerId, group as List<TaskCompletion> ?? [.. group]);
        var began = _time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _client.CompleteTasksAsync(request, cancellationToken).ConfigureAwait(false);
                return;
            }
            catch (Exception exception) when (exception is HttpRequestException or ApiException { IsTransient: true } or TaskCanceledException
                && _time.GetElapsedTime(began) < _options.ReportPatience)
            {
                Logs.ReportFailed(_logger, group.Count, exception.Message);
                await Task.Delay(BackOff.After(attempt, FirstPause, LongestPause), _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private sealed class Claim(TaskMessage message)
    {
        public TaskMessage Message { get; } = message;

        public TaskAssignment? Assignment { get; set; }
    }
}
