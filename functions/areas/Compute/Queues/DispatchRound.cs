using System.Collections.Immutable;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>A task that was released and has to be sent, or granted to a worker.</summary>
/// <param name="Queue">The Service Bus queue.</param>
internal sealed record ReleasedTask(string Queue, TaskMessage Message);

/// <summary>A worker that reports and takes tasks along at once.</summary>
/// <param name="Takes">At most so many.</param>
internal sealed record TakingWorker(string Pool, TaskLane Lane, int Takes);

/// <summary>What a round did.</summary>
/// <param name="Released">To be sent now.</param>
/// <param name="More">There may be more to do at once.</param>
/// <param name="Unsettled">Dependents have to be looked at.</param>
/// <param name="NextDue">When the next scheduled task is due.</param>
internal sealed record RoundResult(IReadOnlyList<ReleasedTask> Released, bool More, bool Unsettled, DateTimeOffset? NextDue);

/// <summary>
/// One round of dispatch: releases as many tasks as the workers online have room for, in the order of <see cref="FairShare"/>.
/// Only the few released tasks are bound to their order; everything behind them is decided later, from what is there then.
/// </summary>
internal sealed class DispatchRound(IOptions<QueueOptions> options, TimeProvider time)
{
    /// <summary>Releases tasks for the broker. Runs under the lock of rounds; nothing has happened unless the transaction commits.</summary>
    public Task<RoundResult> RunAsync(UnitOfWork work) => RunAsync(work, ImmutableDictionary<long, int>.Empty, null);

    /// <summary>Releases what a worker takes along: the same decision, for its lane and no more tasks than it takes.</summary>
    /// <param name="ended">How many tasks of flows have ended in this transaction: counted here, so that all counters change in one order.</param>
    public async Task<RoundResult> RunAsync(UnitOfWork work, IReadOnlyDictionary<long, int> ended, TakingWorker? taker)
    {
        var now = time.GetUtcNow();
        var state = await DispatchStore.ReadAsync(work, ended, now, now - options.Value.WorkerLease);
        var released = new List<ReleasedTask>();
        var changes = ended.ToDictionary(static flow => flow.Key, static flow => -flow.Value);
        var more = state.MoreDue;
        foreach (var lane in state.Flows.Where(static flow => flow.QueueState != QueueState.Paused).GroupBy(static flow => (flow.Pool, flow.Lane)))
        {
            if (taker is not null && (taker.Pool, taker.Lane) != lane.Key)
            {
                continue;
            }

            var slots = state.Capacity.FirstOrDefault(row => row.Pool == lane.Key.Pool && row.Lane == lane.Key.Lane)?.Slots ?? 0;
            var active = state.Active.Where(row => row.Pool == lane.Key.Pool && row.Lane == lane.Key.Lane).Sum(static row => row.Active);
            var free = Math.Min(Window(lane.Key.Lane, slots) - active, taker?.Takes ?? int.MaxValue);
            if (free > 0)
            {
                var tasks = await ReleaseAsync(work, [.. lane], free, state, changes, now);
                released.AddRange(tasks);
                more |= tasks.Count > 0 && tasks.Count < free;
            }
        }

        await DispatchStore.CountAsync(work, changes.Select(static flow => (flow.Key, flow.Value)));
        return new RoundResult(released, more || (taker is not null && await DispatchStore.IsAnyReadyAsync(work)), state.Unsettled, state.NextDue);
    }

    /// <summary>How many tasks of a lane may be released at once.</summary>
    private int Window(TaskLane lane, int slots)
        => Math.Min(options.Value.MaxWindow, lane == TaskLane.Light ? slots * options.Value.ReleasedPerLightSlot : slots);

    private async Task<List<ReleasedTask>> ReleaseAsync(UnitOfWork work, List<FlowRow> flows, int free, DispatchState state, Dictionary<long, int> changes, DateTimeOffset now)
    {
        var (pool, lane) = (flows[0].Pool, flows[0].Lane);
        var shares = state.Shares.Where(row => row.Pool == pool && row.Lane == lane)
            .ToDictionary(static row => (row.ProjectId, row.UserId), static row => new Share { Finish = row.Finish, Clock = row.Clock });
        var policy = new FairShare(options.Value.AgeingStep, shares);
        var heads = flows.ToDictionary(static flow => flow.FlowId, flow => flow.Head(Room(flow, state)));
        var grants = policy.Decide([.. heads.Values], free, now);
        if (grants.Count == 0)
        {
            return [];
        }

        var candidates = await DispatchStore.CandidatesAsync(work, grants);
        var (release, limited) = await SplitAsync(work, candidates);
        var rows = await DispatchStore.ReleaseAsync(work, release, limited, now + options.Value.ReleaseLease);
        var counts = rows.CountBy(static row => row.FlowId).ToDictionary();
        foreach (var (flowId, granted) in grants)
        {
            changes[flowId] = changes.GetValueOrDefault(flowId) + counts.GetValueOrDefault(flowId);
            policy.Refund(heads[flowId], granted - counts.GetValueOrDefault(flowId));
        }

        await DispatchStore.SaveSharesAsync(work, [.. Touched(flows, shares).Select(share => new ShareRow
        {
            Pool = pool, Lane = lane, ProjectId = share.Project, UserId = share.User, Finish = share.Share.Finish, Clock = share.Share.Clock,
        })]);
        var priorities = flows.ToDictionary(static flow => flow.FlowId, static flow => (JobPriority)flow.Priority);
        return [.. rows.Select(row => new ReleasedTask(TaskQueues.For(pool, lane, priorities[row.FlowId]), new TaskMessage(row.Id, row.Fence)))];
    }

    private static int Room(FlowRow flow, DispatchState state)
        => flow.MaxRunning is { } limit ? Math.Max(0, limit - state.Active.Where(row => row.QueueId == flow.QueueId).Sum(static row => row.Active)) : int.MaxValue;

    private static IEnumerable<(string Project, string User, Share Share)> Touched(List<FlowRow> flows, Dictionary<(string ProjectId, string UserId), Share> shares)
        => flows.Select(static flow => (flow.ProjectId, flow.UserId)).Concat(flows.Select(static flow => (flow.ProjectId, string.Empty))).Concat(FairShare.LaneKeys)
            .Distinct().Where(shares.ContainsKey).Select(key => (key.Item1, key.Item2, shares[key]));

    private static async Task<(List<string> Release, List<string> Limited)> SplitAsync(UnitOfWork work, List<CandidateRow> candidates)
    {
        var keys = candidates.Where(static row => row.ConcurrencyKey is not null).Select(static row => (row.QueueId, row.ConcurrencyKey!)).Distinct().ToList();
        var active = keys.Count == 0 ? [] : await DispatchStore.ActiveByKeyAsync(work, keys);
        var (release, limited) = (new List<string>(candidates.Count), new List<string>());
        foreach (var row in candidates)
        {
            if (row.ConcurrencyKey is not { } key)
            {
                release.Add(row.Id);
                continue;
            }

            var used = active.GetValueOrDefault((row.QueueId, key));
            if (used < row.ConcurrencyLimit)
            {
                active[(row.QueueId, key)] = used + 1;
                release.Add(row.Id);
            }
            else
            {
                limited.Add(row.Id);
            }
        }

        return (release, limited);
    }
}
