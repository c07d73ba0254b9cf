using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Ports.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>Routes of queues: shares, limits, pause, drain.</summary>
internal static class QueueEndpoints
{
    private const int MaxUsers = 1_000;

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddQueues(this IServiceCollection services)
    {
        services.AddOptions<QueueOptions>().BindConfiguration(QueueOptions.Section)
            .Validate(
                options => options is { MaxWindow: > 0, ReleasedPerLightSlot: > 0, MaxPayloadBytes: > 0, MaxSchedules: > 0 } && options.AgeingStep > TimeSpan.Zero
                    && options.ReleaseLease > TimeSpan.Zero && options.WorkerLease > options.HeartbeatInterval && options.HeartbeatInterval > TimeSpan.Zero,
                "Queues: limits must be positive, and a worker's lease longer than the pause between heartbeats.")
            .ValidateOnStart();
        services.AddSingleton<TaskBus>().AddReach<QueueRow, QueueStore>().AddSingleton<QueueControl>().AddReach<QueueTaskRow, TaskStore>().AddSingleton<TaskSubmission>().AddSingleton<TaskIntake>().AddSingleton<TaskOutcomes>()
            .AddSingleton<TaskExecutions>().AddSingleton<TaskCancellation>().AddSingleton<DispatchRound>().AddSingleton<DependencySettler>()
            .AddSingleton<WaitExplanation>().AddSingleton<DeadLetters>().AddSingleton<TaskSchedules>().AddSingleton<TaskPackages>()
            .AddGarbage<TaskLogs>().AddGarbage<QueueGarbage>().AddSingleton<ITaskKind, QueueTaskKind>();
        services.AddLoop<TaskDispatcher>("task-dispatch").AddSingleton<ITickTask>(static provider => provider.GetRequiredService<TaskDispatcher>());
        return services.AddLoop<QueueMaintenance>("task-maintenance").AddSingleton<ITickTask>(static provider => provider.GetRequiredService<QueueMaintenance>());
    }

    /// <summary>Maps the routes.</summary>
    public static IEndpointRouteBuilder MapQueueEndpoints(this IEndpointRouteBuilder routes)
    {
        var queues = routes.MapGroup("/v1/queues").WithTags("Queues");
        queues.MapGet("/", ListAsync).RequireAction(ComputeActions.ReadQueue)
            .Describe("listQueues", "List task queues");
        var queue = queues.MapGroup("/{project}/{pool}");
        queue.MapGet("/", GetAsync).RequireAction(ComputeActions.ReadQueue)
            .Describe("getQueue", "Get a queue with its counts");
        queue.MapPut("/", UpdateAsync).RequireAction(ComputeActions.ManageQueue)
            .Describe("updateQueue", "Set a queue's shares and limits");
        queue.MapPost("/pause", PauseAsync).RequireAction(ComputeActions.ManageQueue)
            .Describe("pauseQueue", "Keep tasks, run none");
        queue.MapPost("/resume", ResumeAsync).RequireAction(ComputeActions.ManageQueue)
            .Describe("resumeQueue", "Take and run tasks again");
        queue.MapPost("/drain", DrainAsync).RequireAction(ComputeActions.ManageQueue)
            .Describe("drainQueue", "Take no more tasks, run those that are there");
        QueueTaskEndpoints.Map(queue);
        DeadLetterEndpoints.Map(queue);
        ScheduleEndpoints.Map(queue);
        TaskExecutionEndpoints.Map(queues);
        TaskPackages.Map(routes, queues);
        return routes;
    }

    /// <summary>The pool's name when there is such a pool.</summary>
    /// <exception cref="ApiException">404.</exception>
    public static string RequirePool(string pool, JobOptions jobs) => jobs.KnownPools.Contains(pool) ? pool : throw ApiException.NotFound("pool", pool);

    private static async Task<Ok<Page<TaskQueue>>> ListAsync(
        string? project, [AsParameters] PageRequest page, Caller caller, ProjectAccess projects, QueueStore store, CancellationToken cancellationToken)
    {
        var projectId = project is null ? null : await projects.RequireAsync(project, caller, cancellationToken);
        var rows = await store.ListAsync(projectId, caller, page.Keys(2), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, static row => row.ToContract([]), static row => [row.ProjectId, row.Pool]));
    }

    private static async Task<Ok<TaskQueue>> GetAsync(Reached<QueueRow> queue, QueueStore store, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(queue.Value.ToContract(await store.CountAsync(queue.Value.Id, cancellationToken)));
    }

    private static async Task<Ok<TaskQueue>> UpdateAsync(
        Reached<ProjectIdentity> project, string pool, UpdateQueueRequest request, QueueControl control, CancellationToken cancellationToken)
    {
        Check.Range(request.Weight ?? 1, "weight", 0.01, 1_000d);
        Check.Range(request.MaxRunning ?? 0, "maxRunning", 0, 100_000);
        Check.That(request.UserWeights is null || request.UserWeights.Count <= MaxUsers, "userWeights", "count", 0, MaxUsers);
        foreach (var (user, weight) in request.UserWeights ?? new Dictionary<string, double>())
        {
            Check.Range(weight, $"userWeights.{user}", 0.01, 1_000d);
        }

        return TypedResults.Ok(await control.ChangeAsync(
            pool, store => store.UpdateAsync(project.Id, pool, request, cancellationToken), cancellationToken));
    }

    private static Task<Ok<TaskQueue>> PauseAsync(Reached<ProjectIdentity> project, string pool, QueueControl control, CancellationToken cancellationToken)
        => SetStateAsync(project, pool, QueueState.Paused, control, cancellationToken);

    private static Task<Ok<TaskQueue>> ResumeAsync(Reached<ProjectIdentity> project, string pool, QueueControl control, CancellationToken cancellationToken)
        => SetStateAsync(project, pool, QueueState.Active, control, cancellationToken);

    private static Task<Ok<TaskQueue>> DrainAsync(Reached<ProjectIdentity> project, string pool, QueueControl control, CancellationToken cancellationToken)
        => SetStateAsync(project, pool, QueueState.Draining, control, cancellationToken);

    private static async Task<Ok<TaskQueue>> SetStateAsync(
        Reached<ProjectIdentity> project, string pool, QueueState state, QueueControl control, CancellationToken cancellationToken)
        => TypedResults.Ok(await control.ChangeAsync(
            pool, store => store.SetStateAsync(project.Id, pool, state, cancellationToken), cancellationToken));
}
