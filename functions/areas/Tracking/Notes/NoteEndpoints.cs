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
        notes.MapGet("/", GetAsync).RequireAction(TrackingActions.ReadNote)
            .Describe("getRunNotes", "The notes of a run");
        notes.MapPut("/", WriteAsync).RequireAction(TrackingActions.WriteNote)
            .Describe("writeRunNotes", "Write the next version of the notes; honours If-Match").WithIfMatch();
        notes.MapGet("/history", ListAsync).RequireAction(TrackingActions.ReadNote)
            .Describe("listRunNotes", "All versions of the notes, newest first");
    }

    private static async Task<Ok<RunNote>> GetAsync(Reached<RunRow> run, HttpResponse response, NoteStore store, CancellationToken cancellationToken)
    {
        var note = await store.GetAsync(run.Id, cancellationToken);
        ETag.Set(response, note.Version);
        return TypedResults.Ok(note);
    }

    private static async Task<Ok<RunNote>> WriteAsync(
        Reached<RunRow> run, WriteNoteRequest request, Caller caller, HttpRequest http, HttpResponse response, NoteStore store, CancellationToken cancellationToken)
    {
        Check.Length(request.Text, "text", 0, MaxText);
        var note = await store.WriteAsync(run.Id, request.Text, ETag.Expected(http), caller, cancellationToken);
        ETag.Set(response, note.Version);
        return TypedResults.Ok(note);
    }

    private static async Task<Ok<Page<RunNote>>> ListAsync(
        Reached<RunRow> run, [AsParameters] PageRequest page, NoteStore store, CancellationToken cancellationToken)
    {
        var rows = await store.ListAsync(run.Id, page.Number(), page.Size, cancellationToken);
        return TypedResults.Ok(page.ToPage(rows, note => note, note => [note.Version.ToString(CultureInfo.InvariantCulture)]));
    }
}
