using System.Text.Json;
using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using Microsoft.Extensions.Options;

namespace AiPlatform.Compute.Queues;

/// <summary>Takes tasks from callers: there is the pool, the task is sound, and what it calls may be called.</summary>
internal sealed class TaskIntake(
    TaskSubmission submission, OutgoingAddresses addresses, IOptions<QueueOptions> options, IOptions<JobOptions> jobs, TimeProvider time)
{
    /// <summary>Submits one task.</summary>
    /// <exception cref="ApiException">404 for the pool; 400; 409 when the queue drains.</exception>
    public async Task<SubmittedTask> SubmitAsync(string projectId, string pool, SubmitTaskRequest request, Caller caller, CancellationToken cancellationToken)
    {
        QueueEndpoints.RequirePool(pool, jobs.Value);
        var task = TaskSubmissionCheck.CheckOne(request, string.Empty, new Dictionary<string, int>(), options.Value, time.GetUtcNow());
        await addresses.RequireAsync([TaskSubmissionCheck.Address(request.Handler, request.Payload, "payload")], cancellationToken);
        return (await submission.SubmitAsync(projectId, pool, caller.UserId, [task], cancellationToken))[0];
    }

    /// <summary>Submits tasks that may depend on each other, all or none.</summary>
    /// <exception cref="ApiException">404 for the pool; 400; 409 when the queue drains.</exception>
    public async Task<IReadOnlyList<SubmittedTask>> SubmitAsync(
        string projectId, string pool, IReadOnlyList<SubmitTaskRequest> requests, Caller caller, CancellationToken cancellationToken)
    {
        QueueEndpoints.RequirePool(pool, jobs.Value);
        var tasks = TaskSubmissionCheck.CheckAll(requests, options.Value, time.GetUtcNow());
        await addresses.RequireAsync(
            requests.Select(static (task, i) => TaskSubmissionCheck.Address(task.Handler, task.Payload, $"tasks[{i}].payload")), cancellationToken);
        return await submission.SubmitAsync(projectId, pool, caller.UserId, tasks, cancellationToken);
    }

    /// <summary>Checks where a task goes that is submitted later, again and again.</summary>
    /// <exception cref="ApiException">404 for the pool; 400 for an address of a private network.</exception>
    public async Task RequireAsync(string pool, SubmitTaskRequest task, string field, CancellationToken cancellationToken)
    {
        QueueEndpoints.RequirePool(pool, jobs.Value);
        await addresses.RequireAsync([TaskSubmissionCheck.Address(task.Handler, task.Payload, field + ".payload")], cancellationToken);
    }

    /// <summary>Another payload for a task that is there, as stored; null when none is given.</summary>
    /// <exception cref="ApiException">400.</exception>
    public async Task<string?> PayloadAsync(string handler, JsonElement? payload, CancellationToken cancellationToken)
    {
        if (payload is null)
        {
            return null;
        }

        var stored = TaskSubmissionCheck.CheckPayload(handler, payload, "payload", options.Value);
        await addresses.RequireAsync([TaskSubmissionCheck.Address(handler, payload, "payload")], cancellationToken);
        return stored;
    }
}
