using System.Text.Json;
using System.Text.Json.Nodes;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Mvc;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Microsoft.DurableTask.Entities;

namespace AiPlatform.Operations.DurableStatus;

/// <summary>Entities in the Durable Functions HTTP API; for administrators and services.</summary>
internal static class EntityEndpoints
{
    private const int MaxTop = 1000;

    /// <summary>Maps the routes.</summary>
    public static void MapEntities(this RouteGroupBuilder group)
    {
        group.MapGet("/entities", ListAllAsync).RequireAction(OperationsActions.ReadOrchestration)
            .Describe("listEntities", "List entities")
            .Produces<JsonElement>();
        group.MapGet("/entities/{entityName}", ListAsync).RequireAction(OperationsActions.ReadOrchestration)
            .Describe("listEntitiesOfName", "List the entities of a name")
            .Produces<JsonElement>();
        group.MapGet("/entities/{entityName}/{entityKey}", GetAsync).RequireAction(OperationsActions.ReadOrchestration)
            .Describe("getEntity", "Get an entity's state")
            .Produces<JsonElement>();
        group.MapPost("/entities/{entityName}/{entityKey}", SignalAsync).RequireAction(OperationsActions.ManageOrchestration)
            .Describe("signalEntity", "Signal an entity: op names the operation, the body is its input").Produces(StatusCodes.Status202Accepted)
            .TakesBody("application/json");
    }

    private static Task<IResult> ListAllAsync(
        [AsParameters] EntityFilter filter, Caller caller, HttpResponse response, DurableTaskClient client, CancellationToken cancellationToken)
        => ListAsync(null, filter, caller, response, client, cancellationToken);

    private static async Task<IResult> ListAsync(
        string? entityName, [AsParameters] EntityFilter filter, Caller caller, HttpResponse response, DurableTaskClient client, CancellationToken cancellationToken)
    {
        DurableStatusEndpoints.RequireEverything(caller);
        var query = new EntityQuery
        {
            InstanceIdStartsWith = entityName is null ? null : $"{Id(entityName, string.Empty)}",
            LastModifiedFrom = filter.LastOperationTimeFrom,
            LastModifiedTo = filter.LastOperationTimeTo,
            IncludeState = filter.FetchState ?? false,
            PageSize = Check.Range(filter.Top ?? EntityQuery.DefaultPageSize, "top", 1, MaxTop),
            ContinuationToken = string.IsNullOrEmpty(filter.ContinuationToken) ? null : filter.ContinuationToken,
        };
        await using var pages = client.Entities.GetAllEntitiesAsync(query).AsPages().GetAsyncEnumerator(cancellationToken);
        if (!await pages.MoveNextAsync())
        {
            return TypedResults.Json(new JsonArray());
        }

        if (pages.Current.ContinuationToken is { } next)
        {
            response.Headers[DurableStatusEndpoints.ContinuationHeader] = next;
        }

        return TypedResults.Json(new JsonArray([.. pages.Current.Values.Select(entity => (JsonNode)Show(entity, query.IncludeState))]));
    }

    private static async Task<IResult> GetAsync(string entityName, string entityKey, Caller caller, DurableTaskClient client, CancellationToken cancellationToken)
    {
        DurableStatusEndpoints.RequireEverything(caller);
        var id = Id(entityName, entityKey);
        return await client.Entities.GetEntityAsync(id, cancellationToken) is { IncludesState: true } entity
            ? TypedResults.Json(Payloads.Show(entity.State.Value))
            : throw ApiException.NotFound("entity", id.ToString());
    }

    private static async Task<IResult> SignalAsync(
        string entityName, string entityKey, string? op, Caller caller, HttpRequest request, DurableTaskClient client, CancellationToken cancellationToken)
    {
        DurableStatusEndpoints.RequireEverything(caller);
        await client.Entities.SignalEntityAsync(Id(entityName, entityKey), Check.Length(op, "op", 1, 100), await Payloads.ReadAsync(request, cancellationToken), cancellation: cancellationToken);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    }

    private static JsonObject Show(EntityMetadata entity, bool withState)
    {
        var json = new JsonObject
        {
            ["entityId"] = new JsonObject { ["name"] = entity.Id.Name, ["key"] = entity.Id.Key },
            ["lastOperationTime"] = InstanceStatus.Time(entity.LastModifiedTime),
        };
        if (withState)
        {
            json["state"] = Payloads.Show(entity.IncludesState ? entity.State.Value : null);
        }

        return json;
    }

    private static EntityInstanceId Id(string name, string key)
    {
        try
        {
            return new(name, key);
        }
        catch (ArgumentException)
        {
            throw ApiException.Invalid("entityKey", "instanceId");
        }
    }
}

/// <summary>Query parameters and headers that select entities.</summary>
internal readonly record struct EntityFilter(
    DateTimeOffset? LastOperationTimeFrom, DateTimeOffset? LastOperationTimeTo, bool? FetchState, int? Top,
    [property: FromHeader(Name = DurableStatusEndpoints.ContinuationHeader)] string? ContinuationToken);
