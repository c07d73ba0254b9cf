using AiPlatform.Compute.Queues;
using AiPlatform.Contracts.Jobs;
using CsCheck;

namespace AiPlatform.Tests.Functions.Compute.Queues;

/// <summary>The order of service, simulated on a virtual clock: a pool with a few slots, each task taking one second.</summary>
public sealed class FairShareTests
{
    private static readonly DateTimeOffset Epoch = DateTimeOffset.UnixEpoch;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(60);

    [Fact]
    public void One_task_of_a_project_does_not_wait_behind_ten_thousand_of_another()
    {
        var pool = new Pool(slots: 4);
        pool.Add("big", count: 10_000);
        pool.Run(seconds: 100);
        pool.Add("small", count: 1);
        pool.Run(seconds: 1);
        Assert.Equal(1, pool.ServedBy("small"));
    }

    [Fact]
    public void Projects_share_by_weight()
    {
        var pool = new Pool(slots: 6);
        pool.Add("one", count: 10_000, weight: 1);
        pool.Add("two", count: 10_000, weight: 2);
        pool.Add("three", count: 10_000, weight: 3);
        pool.Run(seconds: 200);
        Assert.Equal(200, pool.ServedBy("one"), 3.0);
        Assert.Equal(400, pool.ServedBy("two"), 3.0);
        Assert.Equal(600, pool.ServedBy("three"), 3.0);
    }

    [Fact]
    public void Users_of_a_project_share_its_part_whatever_they_submit()
    {
        var pool = new Pool(slots: 4);
        pool.Add("lab", "busy", count: 10_000);
        pool.Add("lab", "calm", count: 100);
        pool.Add("other", count: 10_000);
        pool.Run(seconds: 50);
        Assert.Equal(100, pool.ServedBy("other"), 3.0);
        Assert.Equal(50, pool.ServedBy("lab", "busy"), 3.0);
        Assert.Equal(50, pool.ServedBy("lab", "calm"), 3.0);
    }

    [Fact]
    public void Idleness_gives_no_credit()
    {
        var pool = new Pool(slots: 2);
        pool.Add("steady", count: 10_000);
        pool.Add("idle", count: 1);
        pool.Run(seconds: 1_000);
        pool.Add("idle", count: 10_000);
        var before = pool.ServedBy("idle");
        pool.Run(seconds: 100);
        Assert.Equal(100, pool.ServedBy("idle") - before, 3.0);
    }

    [Fact]
    public void More_important_tasks_go_first()
    {
        var pool = new Pool(slots: 1);
        pool.Add("p", count: 50, priority: JobPriority.Normal);
        pool.Add("p", count: 5, priority: JobPriority.Critical);
        pool.Run(seconds: 5);
        Assert.Equal(5, pool.ServedAt(JobPriority.Critical));
    }

    [Fact]
    public void Low_is_served_while_critical_never_ends_and_not_before_its_wait()
    {
        var pool = new Pool(slots: 1);
        pool.Add("p", count: 100_000, priority: JobPriority.Critical);
        pool.Add("p", count: 10, priority: JobPriority.Low);
        pool.Run(seconds: 179);
        Assert.Equal(0, pool.ServedAt(JobPriority.Low));
        pool.Run(seconds: 100);
        Assert.Equal(10, pool.ServedAt(JobPriority.Low));
    }

    [Fact]
    public void Old_low_work_takes_one_slot_in_ten_and_never_stops_what_is_critical()
    {
        var pool = new Pool(slots: 1);
        pool.Add("p", count: 100_000, priority: JobPriority.Low);
        pool.Run(seconds: 1_000);
        pool.Add("p", count: 100_000, priority: JobPriority.Critical);
        pool.Run(seconds: 500);
        Assert.Equal(450, pool.ServedAt(JobPriority.Critical), 2.0);
    }

    [Theory]
    [InlineData(JobPriority.Low, 179, false)]
    [InlineData(JobPriority.Low, 180, true)]
    [InlineData(JobPriority.Normal, 119, false)]
    [InlineData(JobPriority.Normal, 120, true)]
    [InlineData(JobPriority.High, 60, true)]
    [InlineData(JobPriority.Critical, 1_000_000, false)]
    [InlineData(JobPriority.High, -5, false)]
    public void The_less_important_waits_longer_before_it_is_overdue(JobPriority priority, double seconds, bool overdue)
        => Assert.Equal(overdue, FairShare.IsOverdue(priority, TimeSpan.FromSeconds(seconds), Step));

    [Fact]
    public void A_queue_gets_no_more_than_its_limit_and_the_rest_goes_to_others()
    {
        var policy = new FairShare(Step, []);
        FlowHead[] flows = [Head(1, "limited", room: 2), Head(2, "free", room: int.MaxValue)];
        var grants = policy.Decide(flows, 10, Epoch);
        Assert.Equal((2, 8), (grants[1], grants[2]));
    }

    [Fact]
    public void What_a_flow_did_not_use_is_given_back()
    {
        var shares = new Dictionary<(string, string), Share>();
        var policy = new FairShare(Step, shares);
        var head = Head(1, "p", room: int.MaxValue);
        policy.Decide([head], 8, Epoch);
        policy.Refund(head, 7);
        Assert.Equal(1, shares[("p", "")].Finish);
    }

    [Fact]
    public void Any_mix_of_flows_is_served_within_one_task_of_its_share()
        => Gen.Int[1, 5].Array[2, 6].Sample(weights =>
        {
            var pool = new Pool(slots: weights.Sum());
            for (var i = 0; i < weights.Length; i++)
            {
                pool.Add($"p{i}", count: 100_000, weight: weights[i]);
            }

            pool.Run(seconds: 20);
            for (var i = 0; i < weights.Length; i++)
            {
                Assert.Equal(20 * weights[i], pool.ServedBy($"p{i}"), weights[i] + 1.0);
            }
        }, iter: 50);

    private static FlowHead Head(long id, string project, int room) => new(id, id, project, "u", JobPriority.Normal, 1, 1, Epoch, room);

    private sealed class Pool(int slots)
    {
        private readonly List<(FlowHead Head, Queue<DateTimeOffset> Tasks)> _flows = [];
        private readonly Dictionary<(string, string), Share> _shares = [];
        private readonly List<FlowHead> _served = [];
        private DateTimeOffset _now = Epoch;

        public void Add(string project, string user = "u", int count = 1, double weight = 1, JobPriority priority = JobPriority.Normal)
        {
            var index = _flows.FindIndex(flow => flow.Head.ProjectId == project && flow.Head.UserId == user && flow.Head.Priority == priority);
            if (index < 0)
            {
                index = _flows.Count;
                _flows.Add((new FlowHead(index, project.GetHashCode(StringComparison.Ordinal), project, user, priority, weight, 1, _now, int.MaxValue), new()));
            }

            for (var i = 0; i < count; i++)
            {
                _flows[index].Tasks.Enqueue(_now);
            }
        }

        public void Run(int seconds)
        {
            for (; seconds > 0; seconds--, _now += TimeSpan.FromSeconds(1))
            {
                Round();
            }
        }

        public int ServedBy(string project, string? user = null) => _served.Count(head => head.ProjectId == project && (user is null || head.UserId == user));

        public int ServedAt(JobPriority priority) => _served.Count(head => head.Priority == priority);

        private void Round()
        {
            var policy = new FairShare(Step, _shares);
            var free = slots;
            while (free > 0)
            {
                var heads = _flows.Where(flow => flow.Tasks.Count > 0).Select(flow => flow.Head with { HeadReadyAt = flow.Tasks.Peek() }).ToList();
                if (heads.Count == 0)
                {
                    return;
                }

                foreach (var (id, granted) in policy.Decide(heads, free, _now))
                {
                    var (head, tasks) = _flows[(int)id];
                    var used = Math.Min(granted, tasks.Count);
                    for (var i = 0; i < used; i++)
                    {
                        tasks.Dequeue();
                        _served.Add(head);
                    }

                    policy.Refund(head, granted - used);
                    free -= used;
                }
            }
        }
    }
}
