using AiPlatform.Contracts.Jobs;

namespace AiPlatform.Compute.Queues;

/// <summary>The head of one flow: tasks of one user in one queue with one priority, the oldest first.</summary>
/// <param name="Weight">The project's share.</param>
/// <param name="UserWeight">The user's share within the project.</param>
/// <param name="HeadReadyAt">Since when its first task could run.</param>
/// <param name="Room">How many more tasks its queue may release.</param>
internal sealed record FlowHead(
    long FlowId, long QueueId, string ProjectId, string UserId, JobPriority Priority, double Weight, double UserWeight, DateTimeOffset HeadReadyAt, int Room);

/// <summary>The virtual times of one project, one user, or (without both) of the pool's lane.</summary>
internal sealed class Share
{
    /// <summary>Where the last service ends.</summary>
    public double Finish { get; set; }

    /// <summary>Where the service of those below is.</summary>
    public double Clock { get; set; }
}

/// <summary>
/// The order of service of one pool's lane. First the more important priority; among equals start-time fair queueing between
/// projects, then between the users of a project, each by weight; then the older task. Who was idle comes back without credit.
/// A task that is overdue (it has waited one ageing step for each priority above its own) competes for one slot in ten whatever
/// its priority: low work always goes on, and a mountain of old low work never stops what is critical. Pure: time and all state are given.
/// </summary>
/// <param name="ageingStep">The wait for each step of priority after which a task is overdue.</param>
/// <param name="shares">Virtual times by project and user; <see cref="Decide"/> and <see cref="Refund"/> change and extend them.</param>
internal sealed class FairShare(TimeSpan ageingStep, Dictionary<(string ProjectId, string UserId), Share> shares)
{
    private const double OverdueWeight = 0.1;

    /// <summary>Where the virtual times of the lane and of its two classes are kept.</summary>
    public static readonly IReadOnlyList<(string ProjectId, string UserId)> LaneKeys = [(string.Empty, string.Empty), ClassKey, OverdueKey, RegularKey];

    private static (string, string) ClassKey => (string.Empty, "class");

    private static (string, string) OverdueKey => (string.Empty, "overdue");

    private static (string, string) RegularKey => (string.Empty, "regular");

    /// <summary>Whether a task has waited for longer than its priority may.</summary>
    public static bool IsOverdue(JobPriority priority, TimeSpan wait, TimeSpan ageingStep)
        => priority != JobPriority.Critical && wait >= (int)priority * ageingStep;

    /// <summary>How many tasks each flow may release now, for up to <paramref name="slots"/> in all. Flows are taken to be endless: see <see cref="Refund"/>.</summary>
    public Dictionary<long, int> Decide(IReadOnlyList<FlowHead> flows, int slots, DateTimeOffset now)
    {
        var grants = new Dictionary<long, int>();
        var room = flows.GroupBy(static flow => flow.QueueId).ToDictionary(static queue => queue.Key, static queue => queue.First().Room);
        for (; slots > 0; slots--)
        {
            // Only the wait of a flow's head is known: once it is granted, the flow is overdue no more in this round.
            var overdue = Best(flows, room, flow => !grants.ContainsKey(flow.FlowId) && IsOverdue(flow.Priority, now - flow.HeadReadyAt, ageingStep), byPriority: false);
            var isOverdue = overdue is not null && Start(ClassKey, OverdueKey) <= Start(ClassKey, RegularKey);
            if ((isOverdue ? overdue : Best(flows, room, static _ => true, byPriority: true)) is not { } best)
            {
                break;
            }

            ChargeClass(isOverdue);
            Charge(best);
            room[best.QueueId]--;
            grants[best.FlowId] = grants.GetValueOrDefault(best.FlowId) + 1;
        }

        return grants;
    }

    /// <summary>Takes back what a flow was charged for and did not use.</summary>
    public void Refund(FlowHead flow, int unused)
    {
        Of((flow.ProjectId, string.Empty)).Finish -= unused / flow.Weight;
        Of((flow.ProjectId, flow.UserId)).Finish -= unused / flow.UserWeight;
    }

    private FlowHead? Best(IReadOnlyList<FlowHead> flows, Dictionary<long, int> room, Func<FlowHead, bool> takesPart, bool byPriority)
    {
        FlowHead? best = null;
        foreach (var flow in flows)
        {
            if (room[flow.QueueId] > 0 && takesPart(flow) && (best is null || Compare(flow, best, byPriority) < 0))
            {
                best = flow;
            }
        }

        return best;
    }

    private int Compare(FlowHead a, FlowHead b, bool byPriority)
    {
        var order = byPriority ? a.Priority.CompareTo(b.Priority) : 0;
        order = order != 0 ? order : Start(a.ProjectId).CompareTo(Start(b.ProjectId));
        order = order != 0 || a.ProjectId != b.ProjectId ? order : StartOfUser(a).CompareTo(StartOfUser(b));
        return order != 0 ? order : Oldest(a, b);
    }

    private static int Oldest(FlowHead a, FlowHead b)
    {
        var order = a.HeadReadyAt.CompareTo(b.HeadReadyAt);
        return order != 0 ? order : a.FlowId.CompareTo(b.FlowId);
    }

    private double Start(string projectId) => Start((string.Empty, string.Empty), (projectId, string.Empty));

    private double StartOfUser(FlowHead flow) => Start((flow.ProjectId, string.Empty), (flow.ProjectId, flow.UserId));

    private double Start((string, string) clock, (string, string) share) => Math.Max(Of(clock).Clock, Of(share).Finish);

    private void ChargeClass(bool isOverdue)
    {
        var start = Start(ClassKey, isOverdue ? OverdueKey : RegularKey);
        Of(ClassKey).Clock = Math.Max(Of(ClassKey).Clock, start);
        Of(isOverdue ? OverdueKey : RegularKey).Finish = start + (1 / (isOverdue ? OverdueWeight : 1 - OverdueWeight));
    }

    private void Charge(FlowHead flow)
    {
        var (start, userStart) = (Start(flow.ProjectId), StartOfUser(flow));
        var (lane, project) = (Of((string.Empty, string.Empty)), Of((flow.ProjectId, string.Empty)));
        lane.Clock = Math.Max(lane.Clock, start);
        project.Finish = start + (1 / flow.Weight);
        project.Clock = Math.Max(project.Clock, userStart);
        Of((flow.ProjectId, flow.UserId)).Finish = userStart + (1 / flow.UserWeight);
    }

    private Share Of((string, string) key)
    {
        if (!shares.TryGetValue(key, out var share))
        {
            shares[key] = share = new Share();
        }

        return share;
    }
}
