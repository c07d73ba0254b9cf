using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Contracts;
using AiPlatform.Hosting.TaskHubs;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Operations;
using DurableTask.Core.Exceptions;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace AiPlatform.Operations.DurableStatus;

/// <summary>
/// The Durable Functions HTTP API under <c>/durabletask</c> and its classic path. Administrators and services reach every
/// instance. A person sees the instances of their own jobs, imports and reports (an instance's id is the job's id), and may halt them; all else would
/// contradict the job's state, which changes through the jobs API.
/// </summary>
internal static class DurableStatusEndpoints
{
    /// <summary>The header that carries continuation tokens, in answers and requests.</summary>
    internal const string ContinuationHeader = "x-ms-continuation-token";
    private const int MaxTop = 1000;
    private const int DefaultIdleSeconds = 3600;
    private const int MaxIdleSeconds = 365 * 24 * 3600;
    private const int MaxIdLength = 100;

    /// <summary>Maps the routes under both bases.</summary>
    public static void MapDurableStatusEndpoints(this IEndpointRouteBuilder routes)
    {
        Map(routes.MapGroup(ManagementUris.Base).WithTags("Orchestrations").AddEndpointFilter<RouteGroupBuilder, HubErrors>());
        Map(routes.MapGroup(ManagementUris.ClassicBase).ExcludeFromDescription().AddEndpointFilter<RouteGroupBuilder, HubErrors>());
    }

    private static void Map(RouteGroupBuilder group)
    {
        group.MapPost("/orchestrators/{name}/{instanceId?}", StartAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("startOrchestration").WithSummary("Start an orchestration")
            .TakesBody("application/json").Produces<JsonElement>(StatusCodes.Status202Accepted);
        group.MapGet("/instances", ListAsync).RequireAction(OperationsActions.ReadOrchestration)
            .WithOperationId("listOrchestrations").WithSummary("List instances")
            .Produces<JsonElement>();
        group.MapGet("/instances/{id}", GetAsync).RequireAction(OperationsActions.ReadOrchestration)
            .WithOperationId("getOrchestration").WithSummary("Get an instance's status: 202 while it runs, 200 when it has ended")
            .Produces<JsonElement>().Produces<JsonElement>(StatusCodes.Status202Accepted);
        group.MapPost("/instances/{id}/raiseEvent/{eventName}", RaiseEventAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("raiseOrchestrationEvent").Produces(StatusCodes.Status202Accepted).WithSummary("Send an event to an instance")
            .TakesBody("application/json");
        group.MapPost("/instances/{id}/terminate", TerminateAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("terminateOrchestration").Produces(StatusCodes.Status202Accepted).WithSummary("Terminate an instance");
        group.MapPost("/instances/{id}/suspend", SuspendAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("suspendOrchestration").Produces(StatusCodes.Status202Accepted).WithSummary("Suspend an instance");
        group.MapPost("/instances/{id}/resume", ResumeAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("resumeOrchestration").Produces(StatusCodes.Status202Accepted).WithSummary("Resume a suspended instance");
        group.MapPost("/instances/{id}/restart", RestartAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("restartOrchestration").WithSummary("Start a finished instance again with its first input")
            .Produces<JsonElement>(StatusCodes.Status202Accepted);
        group.MapPost("/instances/{id}/rewind", RewindAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("rewindOrchestration").Produces(StatusCodes.Status202Accepted).WithSummary("Let a failed instance go on from before its failure");
        group.MapDelete("/instances/{id}", PurgeAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("purgeOrchestration").WithSummary("Remove a finished instance and its history")
            .Produces<JsonElement>();
        group.MapGet("/stuckInstances", StuckAsync).RequireAction(OperationsActions.AdministerOrchestrations)
            .WithOperationId("listStuckOrchestrations").WithSummary("List unfinished instances that have not moved for long")
            .Produces<JsonElement>();
        group.MapEntities();
        group.MapDelete("/instances", PurgeManyAsync).RequireAction(OperationsActions.ManageOrchestration)
            .WithOperationId("purgeOrchestrations").WithSummary("Remove finished instances and their histories")
            .Produces<JsonElement>();
    }

    /// <param name="name">The orchestrator's name.</param>
    private static async Task<IResult> StartAsync(
        string name, string? instanceId, Caller caller, HttpRequest request, HttpResponse response, DurableTaskClient client, CancellationToken cancellationToken)
    {
        RequireEverything(caller);
        Check.That(name.Length <= MaxIdLength, "name", "length", 1, MaxIdLength);
        if (instanceId is not null)
        {
            Check.That(
                instanceId.Length <= MaxIdLength && instanceId[0] != '@' && !instanceId.Any(static c => c is '/' or '\\' or '#' or '?' || char.IsControl(c)),
                "instanceId",
                "instanceId");
        }

        try
        {
            var id = await client.ScheduleNewOrchestrationInstanceAsync(
                new TaskName(name), await Payloads.ReadAsync(request, cancellationToken), new StartOrchestrationOptions(instanceId), cancellationToken);
            return Accepted(request, response, id);
        }
        catch (OrchestrationAlreadyExistsException)
        {
            throw new ApiException(ErrorCodes.AlreadyExists, "instance", instanceId) { Field = "instanceId" };
        }
    }

    private static async Task<IResult> GetAsync(
        string id, bool? showHistory, bool? showHistoryOutput, bool? showInput, bool? returnInternalServerErrorOnFailure,
        Caller caller, HttpRequest request, HttpResponse response, ResourceOwners owners, DurableTaskClient client, TaskHubConnection hub,
        CancellationToken cancellationToken)
    {
        var instance = await RequireAsync(id, caller, owners, client, payloads: true, cancellationToken);
        var status = InstanceStatus.From(instance, showInput ?? true);
        if (showHistory == true)
        {
            status["historyEvents"] = InstanceStatus.History(await HistoryEntry.ReadAsync(hub, id, cancellationToken), showHistoryOutput ?? false);
        }

        if (instance.IsCompleted)
        {
            var failed = instance.RuntimeStatus == OrchestrationRuntimeStatus.Failed && returnInternalServerErrorOnFailure == true;
            return TypedResults.Json(status, statusCode: failed ? StatusCodes.Status500InternalServerError : StatusCodes.Status200OK);
        }

        response.Headers.Location = ManagementUris.For(request, id).StatusQueryGetUri;
        response.Headers.RetryAfter = "5";
        return TypedResults.Json(status, statusCode: StatusCodes.Status202Accepted);
    }

    /// <param name="top">Instances on a page.</param>
    private static async Task<IResult> ListAsync(
        [AsParameters] InstanceFilter filter, bool? showInput, int? top, [FromHeader(Name = ContinuationHeader)] string? continuationToken,
        Caller caller, HttpResponse response, DurableTaskClient client, CancellationToken cancellationToken)
    {
        RequireEverything(caller);
        var query = new OrchestrationQuery(
            filter.CreatedTimeFrom,
            filter.CreatedTimeTo,
            filter.Statuses(),
            InstanceIdPrefix: filter.InstanceIdPrefix,
            PageSize: Check.Range(top ?? OrchestrationQuery.DefaultPageSize, "top", 1, MaxTop),
            FetchInputsAndOutputs: true,
            ContinuationToken: string.IsNullOrEmpty(continuationToken) ? null : continuationToken);
        var items = new JsonArray();
        await foreach (var page in client.GetAllInstancesAsync(query).AsPages().WithCancellation(cancellationToken))
        {
            foreach (var instance in page.Values)
            {
                items.Add((JsonNode)InstanceStatus.From(instance, showInput ?? true));
            }

            if (page.ContinuationToken is { } next)
            {
                response.Headers[ContinuationHeader] = next;
            }

            break;
        }

        return TypedResults.Json(items);
    }

    private static async Task<IResult> RaiseEventAsync(
        string id, string eventName, Caller caller, HttpRequest request, ResourceOwners owners, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await RequireControlAsync(id, caller, owners, cancellationToken);
        await RequireLiveAsync(id, caller, owners, client, cancellationToken);
        await client.RaiseEventAsync(id, eventName, await Payloads.ReadAsync(request, cancellationToken), cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> TerminateAsync(
        string id, string? reason, Caller caller, ResourceOwners owners, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await RequireControlAsync(id, caller, owners, cancellationToken);
        await RequireLiveAsync(id, caller, owners, client, cancellationToken);
        await client.TerminateInstanceAsync(id, new TerminateInstanceOptions(reason), cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> SuspendAsync(
        string id, string? reason, Caller caller, ResourceOwners owners, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await RequireLiveAsync(id, caller, owners, client, cancellationToken);
        await client.SuspendInstanceAsync(id, reason, cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> ResumeAsync(
        string id, string? reason, Caller caller, ResourceOwners owners, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await RequireLiveAsync(id, caller, owners, client, cancellationToken);
        await client.ResumeInstanceAsync(id, reason, cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> RestartAsync(
        string id, bool? restartWithNewInstanceId, Caller caller, HttpRequest request, HttpResponse response, ResourceOwners owners, DurableTaskClient client,
        CancellationToken cancellationToken)
    {
        await RequireControlAsync(id, caller, owners, cancellationToken);
        var instance = await RequireAsync(id, caller, owners, client, payloads: false, cancellationToken);
        if (!instance.IsCompleted)
        {
            throw ApiException.IllegalTransition("instance", instance.RuntimeStatus.ToString(), "Restarted");
        }

        return Accepted(request, response, await client.RestartAsync(id, restartWithNewInstanceId ?? true, cancellationToken));
    }

    private static async Task<IResult> RewindAsync(
        string id, string? reason, Caller caller, ResourceOwners owners, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await RequireControlAsync(id, caller, owners, cancellationToken);
        var instance = await RequireAsync(id, caller, owners, client, payloads: false, cancellationToken);
        if (instance.RuntimeStatus != OrchestrationRuntimeStatus.Failed)
        {
            throw instance.IsCompleted ? new ApiException(ErrorCodes.Gone, id) : ApiException.IllegalTransition("instance", instance.RuntimeStatus.ToString(), "Rewound");
        }

        await client.RewindInstanceAsync(id, reason ?? string.Empty, cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> PurgeAsync(
        string id, Caller caller, ResourceOwners owners, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await RequireControlAsync(id, caller, owners, cancellationToken);
        var instance = await RequireAsync(id, caller, owners, client, payloads: false, cancellationToken);
        if (!instance.IsCompleted)
        {
            throw ApiException.IllegalTransition("instance", instance.RuntimeStatus.ToString(), "Purged");
        }

        var result = await client.PurgeInstanceAsync(id, cancellation: cancellationToken);
        return TypedResults.Json(new JsonObject { ["instancesDeleted"] = result.PurgedInstanceCount });
    }

    private static async Task<IResult> PurgeManyAsync(
        [AsParameters] InstanceFilter filter, Caller caller, DurableTaskClient client, CancellationToken cancellationToken)
    {
        RequireEverything(caller);
        Check.That(filter.CreatedTimeFrom is not null, "createdTimeFrom", "required");
        var result = await client.PurgeAllInstancesAsync(
            new PurgeInstancesFilter(filter.CreatedTimeFrom, filter.CreatedTimeTo, filter.Statuses()), cancellation: cancellationToken);
        return result.PurgedInstanceCount == 0
            ? throw new ApiException(ErrorCodes.NotFound)
            : TypedResults.Json(new JsonObject { ["instancesDeleted"] = result.PurgedInstanceCount });
    }

    private static JsonHttpResult<ManagementUris> Accepted(HttpRequest request, HttpResponse response, string instanceId)
    {
        var uris = ManagementUris.For(request, instanceId);
        response.Headers.Location = uris.StatusQueryGetUri;
        response.Headers.RetryAfter = "10";
        return TypedResults.Json(uris, statusCode: StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> StuckAsync(int? idleSeconds, int? top, TaskHubConnection hub, TimeProvider time, CancellationToken cancellationToken)
    {
        var idle = TimeSpan.FromSeconds(Check.Range(idleSeconds ?? DefaultIdleSeconds, "idleSeconds", 1, MaxIdleSeconds));
        var limit = Check.Range(top ?? OrchestrationQuery.DefaultPageSize, "top", 1, MaxTop);
        return TypedResults.Json(InstanceStatus.From(await StuckInstances.FindAsync(hub, idle, time.GetUtcNow(), limit, cancellationToken)));
    }

    /// <summary>The job's orchestration and its row must agree: only the platform and administrators interfere with it.</summary>
    private static async Task RequireControlAsync(string id, Caller caller, ResourceOwners owners, CancellationToken cancellationToken)
    {
        if (caller.Role is not (CallerRole.Administrator or CallerRole.Service))
        {
            await owners.RequireAsync(ResourceOwners.Instance, id, caller, cancellationToken);
            throw new ApiException(ErrorCodes.OrchestrationProtected, id);
        }
    }

    /// <summary>403 unless ownership does not limit the caller.</summary>
    internal static void RequireEverything(Caller caller)
    {
        if (!caller.ReachesEverything)
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }
    }

    private static async Task<OrchestrationMetadata> RequireAsync(
        string id, Caller caller, ResourceOwners owners, DurableTaskClient client, bool payloads, CancellationToken cancellationToken)
    {
        if (!caller.ReachesEverything)
        {
            await owners.RequireAsync(ResourceOwners.Instance, id, caller, cancellationToken);
        }

        return await client.GetInstanceAsync(id, payloads, cancellationToken) ?? throw ApiException.NotFound("instance", id);
    }

    private static async Task RequireLiveAsync(string id, Caller caller, ResourceOwners owners, DurableTaskClient client, CancellationToken cancellationToken)
    {
        if ((await RequireAsync(id, caller, owners, client, payloads: false, cancellationToken)).IsCompleted)
        {
            throw new ApiException(ErrorCodes.Gone, id);
        }
    }
}
