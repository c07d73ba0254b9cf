using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Functions.Infrastructure;
using Microsoft.Extensions.Options;

namespace AiPlatform.Functions.Features.Queues;

/// <summary>A task that was released and has to be sent.</summary>
/// <param name="Queue">The Service Bus queue.</param>
internal sealed record ReleasedTask(string Queue, TaskMessage Message);

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
    /// <summary>Runs inside its own transaction; nothing has happened unless that commits.</summary>
    public async Task<RoundResult> RunAsync(UnitOfWork work)
    {
        var now = time.GetUtcNow();
        var state = await DispatchStore.ReadAsync(work, now, now - options.Value.WorkerLease);
        var released = new List<ReleasedTask>();
        var more = state.MoreDue;
        foreach (var lane in state.Flows.Where(static flow => flow.QueueState != QueueState.Paused).GroupBy(static flow => (flow.Pool, flow.Lane)))
        {
            var slots = state.Capacity.FirstOrDefault(row => row.Pool == lane.Key.Pool && row.Lane == lane.Key.Lane)?.Slots ?? 0;
            var active = state.Active.Where(row => row.Pool == lane.Key.Pool && row.Lane == lane.Key.Lane).Sum(static row => row.Active);
            var free = Window(lane.Key.Lane, slots) - active;
            if (free > 0)
            {
                var tasks = await ReleaseAsync(work, [.. lane], free, state, now);
                released.AddRange(tasks);
                more |= tasks.Count > 0 && tasks.Count < free;
            }
        }

        return new RoundResult(released, more, state.Unsettled, state.NextDue);
    }

    /// <summary>How many tasks of a lane may be released at once.</summary>
    private int Window(TaskLane lane, int slots)
        => Math.Min(options.Value.MaxWindow, lane == TaskLane.Light ? slots * options.Value.ReleasedPerLightSlot : slots);

    private async Task<List<ReleasedTask>> ReleaseAsync(UnitOfWork work, List<FlowRow> flows, int free, DispatchState state, DateTimeOffset now)
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
            policy.Refund(heads[flowId], granted - counts.GetValueOrDefault(flowId));
        }

        await DispatchStore.CountAsync(work, counts.Select(static flow => (flow.Key, flow.Value)));
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
