using System.Globalization;
using AiPlatform.Compute.Queues;
using AiPlatform.Contracts.Queues;
using AiPlatform.Functions;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>
/// The task queue on a virtual clock: the real code and the real database, one worker that runs tasks in no time but the clock's. Nothing
/// is sent: what a round of dispatch releases is claimed at once. One release for each slot, so that the order of starts is the order of service.
/// </summary>
internal sealed class VirtualPool : IAsyncDisposable
{
    public const string Pool = "default";
    private const string User = "virtual";
    private const string Worker = "virtual-worker";
    public static readonly DateTimeOffset Epoch = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);

    private readonly Database _database;
    private readonly QueueStore _queues;
    private readonly TaskSubmission _submission;
    private readonly DispatchRound _round;
    private readonly DependencySettler _settler;
    private readonly TaskExecutions _executions;
    private readonly QueueMaintenance _maintenance;
    private readonly TaskDispatcher _dispatcher;
    private readonly TaskBus _bus;
    private readonly IOptions<QueueOptions> _options;
    private readonly List<(TaskAssignment Task, DateTimeOffset Until)> _running = [];
    private readonly int _slots;

    private VirtualPool(string connectionString, int slots, TimeSpan ageingStep, StartupState state)
    {
        _slots = slots;
        _options = Options.Create(new QueueOptions { AgeingStep = ageingStep, ReleasedPerLightSlot = 1, WorkerLease = TimeSpan.FromHours(1) });
        _database = new Database(connectionString);
        _queues = new QueueStore(_database, Time);
        _round = new DispatchRound(_options, Time);
        _settler = new DependencySettler(Time);
        _bus = new TaskBus(new ConfigurationBuilder().Build());
        _dispatcher = new TaskDispatcher(_database, _round, _settler, _bus, state, Time, NullLogger<TaskDispatcher>.Instance);
        _submission = new TaskSubmission(_database, _queues, _dispatcher, Time);
        Schedules = new TaskSchedules(_database, _submission, _options, Time);
        var outcomes = new TaskOutcomes(_options, Time);
        _executions = new TaskExecutions(_database, outcomes, _settler, _round, _dispatcher, _options, Time);
        _maintenance = new QueueMaintenance(_database, outcomes, Schedules, _dispatcher, state, _options, Options.Create(new DueWorkOptions()), Time, NullLogger<QueueMaintenance>.Instance);
    }

    public FakeTimeProvider Time { get; } = new(Epoch);

    public TaskSchedules Schedules { get; }

    /// <summary>The project that tests use which need only one.</summary>
    public const string Project = "one";

    /// <summary>Every start in order.</summary>
    public List<VirtualStart> Starts { get; } = [];

    /// <summary>How long an attempt takes and, when it fails, with which kind of error.</summary>
    public Func<TaskAssignment, (TimeSpan Duration, string? ErrorKind)> Handler { get; set; } = static _ => (TimeSpan.FromSeconds(1), null);

    /// <summary>An empty pool on a migrated database; what an earlier test left there is removed.</summary>
    public static async Task<VirtualPool> CreateAsync(string connectionString, int slots, TimeSpan? ageingStep = null)
    {
        var state = new StartupState();
        var pool = new VirtualPool(connectionString, slots, ageingStep ?? TimeSpan.FromDays(1), state);
        using var startup = new DatabaseStartup(pool._database, Areas.All, state, [], NullLogger<DatabaseStartup>.Instance);
        await startup.StartAsync(CancellationToken.None);
        await state.WaitAsync(CancellationToken.None);
        await pool._database.InWorkAsync(
            work => work.ExecuteAsync(
                """
                TRUNCATE queue_tasks, queue_task_dependencies, queue_flows, queue_shares, queue_workers, queue_schedules, queues RESTART IDENTITY CASCADE;
                INSERT INTO users (id, user_name, password_hash, role) VALUES (@User, @User, '', 'member') ON CONFLICT DO NOTHING
                """,
                new { User }),
            CancellationToken.None);
        await pool.ProjectAsync(Project);
        return pool;
    }

    /// <summary>Makes a project with this id and name, with its share of the pool.</summary>
    public async Task ProjectAsync(string project, double weight = 1, int? maxRunning = null)
    {
        await _database.InWorkAsync(
            work => work.ExecuteAsync("INSERT INTO projects (id, name, owner_id) VALUES (@project, @project, @User) ON CONFLICT DO NOTHING", new { project, User }),
            CancellationToken.None);
        await _queues.UpdateAsync(project, Pool, new UpdateQueueRequest(weight, maxRunning), CancellationToken.None);
    }

    /// <summary>Submits tasks in one call; returns their ids.</summary>
    public async Task<IReadOnlyList<string>> SubmitAsync(string project, IReadOnlyList<SubmitTaskRequest> tasks, string user = User)
        => [.. (await _submission.SubmitAsync(project, Pool, user, TaskSubmissionCheck.CheckAll(tasks, _options.Value, Time.GetUtcNow()), CancellationToken.None))
            .Select(static task => task.Id)];

    /// <summary>Submits one task of the project <see cref="Project"/>.</summary>
    public async Task<string> SubmitAsync(SubmitTaskRequest? task = null) => (await SubmitAsync(Project, [task ?? new SubmitTaskRequest(TaskHandlers.Noop)]))[0];

    /// <summary>Lets the clock run.</summary>
    public async Task RunAsync(TimeSpan duration, TimeSpan? step = null)
    {
        for (var end = Time.GetUtcNow() + duration; ; Time.Advance(step ?? TimeSpan.FromSeconds(1)))
        {
            await StepAsync();
            if (Time.GetUtcNow() >= end)
            {
                return;
            }
        }
    }

    /// <summary>As <see cref="RunAsync(TimeSpan, TimeSpan?)"/> for seconds.</summary>
    public Task RunAsync(int seconds) => RunAsync(TimeSpan.FromSeconds(seconds));

    /// <summary>Seconds from the beginning at which a task's attempts started.</summary>
    public IReadOnlyList<double> StartsOf(string task) => [.. Starts.Where(start => start.TaskId == task).Select(static start => (start.At - Epoch).TotalSeconds)];

    /// <summary>Where a task is.</summary>
    public Task<(QueueTaskStatus Status, string? ErrorKind)> StateAsync(string task)
        => _database.InWorkAsync(
            async work =>
            {
                var row = await work.SingleAsync<QueueTaskRow>($"SELECT {QueueTaskRow.Columns} FROM {QueueTaskRow.From} WHERE t.id = @task", new { task });
                return (row.Status, row.ErrorKind);
            },
            CancellationToken.None);

    /// <summary>Why a task waits, in English.</summary>
    public async Task<TaskWait> WhyAsync(string task)
    {
        var row = await _database.InWorkAsync(
            work => work.SingleAsync<QueueTaskRow>($"SELECT {QueueTaskRow.Columns} FROM {QueueTaskRow.From} WHERE t.id = @task", new { task }), CancellationToken.None);
        return await new WaitExplanation(_database, _options, Time).ExplainAsync(row, chinese: false, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        _dispatcher.Dispose();
        _maintenance.Dispose();
        await _bus.DisposeAsync();
        await _database.DisposeAsync();
    }

    private async Task StepAsync()
    {
        while (await _maintenance.LookAsync(CancellationToken.None))
        {
        }

        await _executions.HeartbeatAsync(
            Worker,
            new TaskWorkerHeartbeat(Pool, TaskLane.Light, _slots, [.. _running.Select(static run => new RunningTask(run.Task.TaskId, run.Task.Fence))]),
            CancellationToken.None);
        bool more;
        do
        {
            more = await FinishAsync();
            var result = await _database.InWorkAsync(RoundAsync, CancellationToken.None);
            more |= result.More | (result.Unsettled && await _database.InWorkAsync(_settler.SettleAsync, CancellationToken.None));
            more |= await StartAsync(result.Released);
        }
        while (more);
    }

    private async Task<RoundResult> RoundAsync(UnitOfWork work)
    {
        await DispatchStore.LockAsync(work);
        return await _round.RunAsync(work);
    }

    private async Task<bool> FinishAsync()
    {
        var due = _running.Where(run => run.Until <= Time.GetUtcNow()).Select(static run => run.Task).ToList();
        _running.RemoveAll(run => due.Contains(run.Task));
        var ends = due.Select(task => Handler(task).ErrorKind is { } kind
            ? new TaskCompletion(task.TaskId, task.Fence, TaskOutcome.Failed, ErrorKind: kind, Error: "as told")
            : new TaskCompletion(task.TaskId, task.Fence, TaskOutcome.Succeeded)).ToList();
        return ends.Count > 0 && (await _executions.CompleteAsync(new CompleteTasksRequest(Worker, ends), CancellationToken.None)).Accepted == ends.Count;
    }

    private async Task<bool> StartAsync(IReadOnlyList<ReleasedTask> released)
    {
        if (released.Count == 0)
        {
            return false;
        }

        var now = Time.GetUtcNow();
        var claimed = await _executions.ClaimAsync(new ClaimTasksRequest(Worker, [.. released.Select(static task => task.Message)]), CancellationToken.None);
        Assert.Equal(released.Count, claimed.Count);
        foreach (var task in claimed)
        {
            Starts.Add(new VirtualStart(task.TaskId, task.ProjectId, task.Attempt, now));
            _running.Add((task, now + Handler(task).Duration));
        }

        Assert.True(_running.Count <= _slots, string.Create(CultureInfo.InvariantCulture, $"{_running.Count} tasks run on {_slots} slots."));
        return true;
    }
}

/// <summary>An attempt began.</summary>
internal sealed record VirtualStart(string TaskId, string Project, int Attempt, DateTimeOffset At);
