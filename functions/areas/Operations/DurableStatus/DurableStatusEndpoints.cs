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

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddDurableStatus(this IServiceCollection services) => services.AddSingleton<InstanceAccess>();

    /// <summary>Maps the routes under both bases.</summary>
    public static void MapDurableStatusEndpoints(this IEndpointRouteBuilder routes)
    {
        Map(routes.MapGroup(ManagementUris.Base).WithTags("Orchestrations").AddEndpointFilter<RouteGroupBuilder, HubErrors>());
        Map(routes.MapGroup(ManagementUris.ClassicBase).ExcludeFromDescription().AddEndpointFilter<RouteGroupBuilder, HubErrors>());
    }

    private static void Map(RouteGroupBuilder group)
    {
        group.MapPost("/orchestrators/{name}/{instanceId?}", StartAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("startOrchestration", "Start an orchestration")
            .TakesBody("application/json").Produces<JsonElement>(StatusCodes.Status202Accepted);
        group.MapGet("/instances", ListAsync).RequireAction(OperationsActions.ReadOrchestration)
            .Describe("listOrchestrations", "List instances")
            .Produces<JsonElement>();
        group.MapGet("/instances/{id}", GetAsync).RequireAction(OperationsActions.ReadOrchestration)
            .Describe("getOrchestration", "Get an instance's status: 202 while it runs, 200 when it has ended")
            .Produces<JsonElement>().Produces<JsonElement>(StatusCodes.Status202Accepted);
        group.MapPost("/instances/{id}/raiseEvent/{eventName}", RaiseEventAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("raiseOrchestrationEvent", "Send an event to an instance").Produces(StatusCodes.Status202Accepted)
            .TakesBody("application/json");
        group.MapPost("/instances/{id}/terminate", TerminateAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("terminateOrchestration", "Terminate an instance").Produces(StatusCodes.Status202Accepted);
        group.MapPost("/instances/{id}/suspend", SuspendAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("suspendOrchestration", "Suspend an instance").Produces(StatusCodes.Status202Accepted);
        group.MapPost("/instances/{id}/resume", ResumeAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("resumeOrchestration", "Resume a suspended instance").Produces(StatusCodes.Status202Accepted);
        group.MapPost("/instances/{id}/restart", RestartAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("restartOrchestration", "Start a finished instance again with its first input")
            .Produces<JsonElement>(StatusCodes.Status202Accepted);
        group.MapPost("/instances/{id}/rewind", RewindAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("rewindOrchestration", "Let a failed instance go on from before its failure").Produces(StatusCodes.Status202Accepted);
        group.MapDelete("/instances/{id}", PurgeAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("purgeOrchestration", "Remove a finished instance and its history")
            .Produces<JsonElement>();
        group.MapGet("/stuckInstances", StuckAsync).RequireAction(OperationsActions.AdministerOrchestrations)
            .Describe("listStuckOrchestrations", "List unfinished instances that have not moved for long")
            .Produces<JsonElement>();
        group.MapEntities();
        group.MapDelete("/instances", PurgeManyAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("purgeOrchestrations", "Remove finished instances and their histories")
            .Produces<JsonElement>();
    }

    /// <param name="name">The orchestrator's name.</param>
    private static async Task<IResult> StartAsync(
        string name, string? instanceId, Caller caller, HttpContext http, DurableTaskClient client, CancellationToken cancellationToken)
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
                new TaskName(name), await Payloads.ReadAsync(http.Request, cancellationToken), new StartOrchestrationOptions(instanceId), cancellationToken);
            return Accepted(http, id);
        }
        catch (OrchestrationAlreadyExistsException)
        {
            throw new ApiException(ErrorCodes.AlreadyExists, "instance", instanceId) { Field = "instanceId" };
        }
    }

    private static async Task<IResult> GetAsync(
        string id, [AsParameters] InstanceView view, Caller caller, HttpContext http, InstanceAccess instances, TaskHubConnection hub, CancellationToken cancellationToken)
    {
        var instance = await instances.RequireAsync(id, caller, payloads: true, cancellationToken);
        var status = InstanceStatus.From(instance, view.ShowInput ?? true);
        if (view.ShowHistory == true)
        {
            status["historyEvents"] = InstanceStatus.History(await HistoryEntry.ReadAsync(hub, id, cancellationToken), view.ShowHistoryOutput ?? false);
        }

        if (instance.IsCompleted)
        {
            var failed = instance.RuntimeStatus == OrchestrationRuntimeStatus.Failed && view.ReturnInternalServerErrorOnFailure == true;
            return TypedResults.Json(status, statusCode: failed ? StatusCodes.Status500InternalServerError : StatusCodes.Status200OK);
        }

        http.Response.Headers.Location = ManagementUris.For(http.Request, id).StatusQueryGetUri;
        http.Response.Headers.RetryAfter = "5";
        return TypedResults.Json(status, statusCode: StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> ListAsync(
        [AsParameters] InstanceFilter filter, [AsParameters] InstancePage shown, Caller caller, HttpResponse response, DurableTaskClient client,
        CancellationToken cancellationToken)
    {
        RequireEverything(caller);
        var query = new OrchestrationQuery(
            filter.CreatedTimeFrom,
            filter.CreatedTimeTo,
            filter.Statuses(),
            InstanceIdPrefix: filter.InstanceIdPrefix,
            PageSize: Check.Range(shown.Top ?? OrchestrationQuery.DefaultPageSize, "top", 1, MaxTop),
            FetchInputsAndOutputs: true,
            ContinuationToken: string.IsNullOrEmpty(shown.ContinuationToken) ? null : shown.ContinuationToken);
        var items = new JsonArray();
        await foreach (var page in client.GetAllInstancesAsync(query).AsPages().WithCancellation(cancellationToken))
        {
            foreach (var instance in page.Values)
            {
                items.Add((JsonNode)InstanceStatus.From(instance, shown.ShowInput ?? true));
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
        string id, string eventName, Caller caller, HttpRequest request, InstanceAccess instances, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await instances.RequireControlAsync(id, caller, cancellationToken);
        await instances.RequireLiveAsync(id, caller, cancellationToken);
        await client.RaiseEventAsync(id, eventName, await Payloads.ReadAsync(request, cancellationToken), cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> TerminateAsync(
        string id, string? reason, Caller caller, InstanceAccess instances, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await instances.RequireControlAsync(id, caller, cancellationToken);
        await instances.RequireLiveAsync(id, caller, cancellationToken);
        await client.TerminateInstanceAsync(id, new TerminateInstanceOptions(reason), cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> SuspendAsync(
        string id, string? reason, Caller caller, InstanceAccess instances, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await instances.RequireLiveAsync(id, caller, cancellationToken);
        await client.SuspendInstanceAsync(id, reason, cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> ResumeAsync(
        string id, string? reason, Caller caller, InstanceAccess instances, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await instances.RequireLiveAsync(id, caller, cancellationToken);
        await client.ResumeInstanceAsync(id, reason, cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> RestartAsync(
        string id, bool? restartWithNewInstanceId, Caller caller, HttpContext http, InstanceAccess instances, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await instances.RequireControlAsync(id, caller, cancellationToken);
        var instance = await instances.RequireAsync(id, caller, payloads: false, cancellationToken);
        if (!instance.IsCompleted)
        {
            throw ApiException.IllegalTransition("instance", instance.RuntimeStatus.ToString(), "Restarted");
        }

        return Accepted(http, await client.RestartAsync(id, restartWithNewInstanceId ?? true, cancellationToken));
    }

    private static async Task<IResult> RewindAsync(
        string id, string? reason, Caller caller, InstanceAccess instances, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await instances.RequireControlAsync(id, caller, cancellationToken);
        var instance = await instances.RequireAsync(id, caller, payloads: false, cancellationToken);
        if (instance.RuntimeStatus != OrchestrationRuntimeStatus.Failed)
        {
            throw instance.IsCompleted ? new ApiException(ErrorCodes.Gone, id) : ApiException.IllegalTransition("instance", instance.RuntimeStatus.ToString(), "Rewound");
        }

        await client.RewindInstanceAsync(id, reason ?? string.Empty, cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> PurgeAsync(
        string id, Caller caller, InstanceAccess instances, DurableTaskClient client, CancellationToken cancellationToken)
    {
        await instances.RequireControlAsync(id, caller, cancellationToken);
        var instance = await instances.RequireAsync(id, caller, payloads: false, cancellationToken);
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

    private static JsonHttpResult<ManagementUris> Accepted(HttpContext http, string instanceId)
    {
        var uris = ManagementUris.For(http.Request, instanceId);
        http.Response.Headers.Location = uris.StatusQueryGetUri;
        http.Response.Headers.RetryAfter = "10";
        return TypedResults.Json(uris, statusCode: StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> StuckAsync(int? idleSeconds, int? top, TaskHubConnection hub, TimeProvider time, CancellationToken cancellationToken)
    {
        var idle = TimeSpan.FromSeconds(Check.Range(idleSeconds ?? DefaultIdleSeconds, "idleSeconds", 1, MaxIdleSeconds));
        var limit = Check.Range(top ?? OrchestrationQuery.DefaultPageSize, "top", 1, MaxTop);
        return TypedResults.Json(InstanceStatus.From(await StuckInstances.FindAsync(hub, idle, time.GetUtcNow(), limit, cancellationToken)));
    }

    /// <summary>403 unless ownership does not limit the caller.</summary>
    internal static void RequireEverything(Caller caller)
    {
        if (!caller.ReachesEverything)
        {
            throw new ApiException(ErrorCodes.Forbidden);
        }
    }
}
