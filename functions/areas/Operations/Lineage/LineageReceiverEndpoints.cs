using AiPlatform.Contracts;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Operations.Lineage;

/// <summary>Routes of the receivers of OpenLineage events.</summary>
internal static class LineageReceiverEndpoints
{
    private const int MaxUrl = 2_000;
    private const int MaxHeader = 8_000;

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var receivers = routes.MapGroup("/v1/projects/{project}/lineage-receivers").WithTags("OpenLineage");
        receivers.MapPost("/", CreateAsync).RequireAction(OperationsActions.ManageLineageReceiver).WithIdempotencyOfSecret()
            .Describe("createLineageReceiver", "Send OpenLineage events about a project's runs to a URL");
        receivers.MapGet("/", ListAsync).RequireAction(OperationsActions.ReadLineageReceiver)
            .Describe("listLineageReceivers", "List the receivers of a project");
        receivers.MapPatch("/{receiver}", UpdateAsync).RequireAction(OperationsActions.ManageLineageReceiver)
            .Describe("updateLineageReceiver", "Change, pause or resume a receiver");
        receivers.MapDelete("/{receiver}", DeleteAsync).RequireAction(OperationsActions.ManageLineageReceiver)
            .Describe("deleteLineageReceiver", "Remove a receiver");
    }

    private static async Task<Created<LineageReceiver>> CreateAsync(
        Reached<ProjectIdentity> project, CreateLineageReceiverRequest request, Caller caller, LineageReceivers receivers, LineageHttp http,
        CancellationToken cancellationToken)
    {
        Check.Name(request.Name, "name");
        Check.That(request.Url is not null, "url", "required");
        await CheckTargetAsync(request.Url, request.Authorization, http, cancellationToken);
        var row = await receivers.CreateAsync(project.Id, request, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{project.Id}/lineage-receivers/{row.Id}", row);
    }

    private static async Task<Ok<Page<LineageReceiver>>> ListAsync(
        Reached<ProjectIdentity> project, LineageReceivers receivers, CancellationToken cancellationToken)
        => TypedResults.Ok(new Page<LineageReceiver>(await receivers.ListAsync(project.Id, cancellationToken)));

    private static async Task<Ok<LineageReceiver>> UpdateAsync(
        Reached<ProjectIdentity> project, string receiver, UpdateLineageReceiverRequest request, LineageReceivers receivers,
        LineageHttp http, CancellationToken cancellationToken)
    {
        await CheckTargetAsync(request.Url, request.Authorization, http, cancellationToken);
        return TypedResults.Ok(await receivers.UpdateAsync(project.Id, receiver, request, cancellationToken));
    }

    private static async Task<NoContent> DeleteAsync(
        Reached<ProjectIdentity> project, string receiver, LineageReceivers receivers, CancellationToken cancellationToken)
    {
        await receivers.DeleteAsync(project.Id, receiver, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task CheckTargetAsync(string? url, string? authorization, LineageHttp http, CancellationToken cancellationToken)
    {
        if (url is not null)
        {
            Check.Length(url, "url", 1, MaxUrl);
            Check.That(Uri.TryCreate(url, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https" && parsed.UserInfo.Length == 0, "url", "url");
            Check.That(await http.MayCallAsync(parsed!, cancellationToken), "url", "privateAddress");
        }

        if (authorization is not null)
        {
            Check.Length(authorization, "authorization", 1, MaxHeader);
            Check.That(authorization.All(static c => c is >= ' ' and <= '~'), "authorization", "wrongType");
        }
    }
}
