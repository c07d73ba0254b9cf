using System.Globalization;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Tracking.Runs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Tracking.Notes;

/// <summary>Routes of a run's notes.</summary>
internal static class NoteEndpoints
{
    private const int MaxText = 100_000;

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var notes = routes.MapGroup("/v1/runs/{run}/notes").WithTags("Runs");
        notes.MapGet("/", GetAsync).RequirePermission(Permission.Read)
            .WithOperationId("getRunNotes").WithSummary("The notes of a run");
        notes.MapPut("/", WriteAsync).RequirePermission(Permission.Write)
            .WithOperationId("writeRunNotes").WithIfMatch().WithSummary("Write the next version of the notes; honours If-Match");
        notes.MapGet("/history", ListAsync).RequirePermission(Permission.Read)
            .WithOperationId("listRunNotes").WithSummary("All versions of the notes, newest first");
    }

    private static async Task<Ok<RunNote>> GetAsync(string run, Caller caller, HttpResponse response, RunAccess access, NoteStore store, CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var note = await store.GetAsync(row.Id, cancellationToken);
        ETag.Set(response, note.Version);
        return TypedResults.Ok(note);
    }

    private static async Task<Ok<RunNote>> WriteAsync(
        string run, WriteNoteRequest request, Caller caller, HttpRequest http, HttpResponse response, RunAccess access, NoteStore store, CancellationToken cancellationToken)
    {
        Check.Length(request.Text, "text", 0, MaxText);
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var note = await store.WriteAsync(row.Id, request.Text, ETag.Expected(http), caller, cancellationToken);
        ETag.Set(response, note.Version);
        return TypedResults.Ok(note);
    }

    private static async Task<Ok<Page<RunNote>>> ListAsync(
        string run, [AsParameters] PageRequest page, Caller caller, RunAccess access, NoteStore store, CancellationToken cancellationToken)
    {
        var row = await access.RequireAsync(run, caller, cancellationToken);
        var rows = await store.ListAsync(row.Id, page.Number(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, note => note, note => [note.Version.ToString(CultureInfo.InvariantCulture)]));
    }
}
