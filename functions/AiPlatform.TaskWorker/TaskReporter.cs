using System.Net;
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
    private readonly Action<IReadOnlyList<TaskAssignment>> _take;
    private long _stoppingSince;

    /// <param name="take">Takes what the platform grants in answer to a report; before the report counts as stored.</param>
    public TaskReporter(AiPlatformClient client, TaskWorkerOptions options, Action<IReadOnlyList<TaskAssignment>> take, TimeProvider time, ILogger logger)
    {
        (_client, _options, _take, _time, _logger) = (client, options, take, time, logger);
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

    /// <summary>The worker stops: from now on the API's return is awaited for <see cref="TaskWorkerOptions.ReportPatience"/> only.</summary>
    public void Hurry() => Interlocked.CompareExchange(ref _stoppingSince, Math.Max(1, _time.GetTimestamp()), 0);

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

    // Each report is judged alone: of a group that is refused the halves are sent, until what is refused stands by itself.
    private async Task CompleteAsync(IReadOnlyList<TaskCompletion> group, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync([.. group], cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException exception) when (IsRefusal(exception) && group.Count > 1)
        {
            var half = group.Count / 2;
            await CompleteAsync([.. group.Take(half)], cancellationToken).ConfigureAwait(false);
            await CompleteAsync([.. group.Skip(half)], cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException exception) when (IsRefusal(exception))
        {
            await FailAsync(group[0], exception, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task FailAsync(TaskCompletion completion, ApiException refusal, CancellationToken cancellationToken)
    {
        Logs.ReportRefused(_logger, completion.TaskId, refusal.Message);
        var failed = TaskCompletionRule.Storable(new TaskCompletion(
            completion.TaskId, completion.Fence, TaskOutcome.Failed, ErrorKind: "result.refused", Error: $"The platform refused the report: {refusal.Message}"));
        try
        {
            await SendAsync([failed], cancellationToken).ConfigureAwait(false);
        }
        catch (ApiException exception) when (IsRefusal(exception))
        {
            // Nothing more can be said about this attempt: it ends with its lease.
            Logs.ReportRefused(_logger, completion.TaskId, exception.Message);
        }
    }

    // While the API is away the attempt stays this worker's: its heartbeats go on, and nothing that was done is done again.
    private async Task SendAsync(IReadOnlyList<TaskCompletion> group, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                // Who stops takes nothing more.
                var request = new CompleteTasksRequest(_options.WorkerId, group, Volatile.Read(ref _stoppingSince) > 0 ? 0 : group.Count);
                _take((await _client.CompleteTasksAsync(request, cancellationToken).ConfigureAwait(false)).Next);
                return;
            }
            catch (Exception exception) when (MayPass(exception, cancellationToken) && !IsOutOfPatience())
            {
                Logs.ReportFailed(_logger, group.Count, exception.Message);
                await Task.Delay(BackOff.After(attempt, FirstPause, LongestPause), _time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private bool IsOutOfPatience() => Volatile.Read(ref _stoppingSince) is > 0 and var since && _time.GetElapsedTime(since) >= _options.ReportPatience;

    private static bool MayPass(Exception exception, CancellationToken cancellationToken)
        => exception is HttpRequestException or IOException || (exception is ApiException api && !IsRefusal(api))
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    // These speak about what was sent; the others (a token that ran out, a gateway without a server) may pass.
    private static bool IsRefusal(ApiException exception)
        => exception.Status is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity;

    private sealed class Claim(TaskMessage message)
    {
        public TaskMessage Message { get; } = message;

        public TaskAssignment? Assignment { get; set; }
    }
}
