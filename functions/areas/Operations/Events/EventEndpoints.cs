using System.Text;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.AspNetCore.Mvc;
using Npgsql;

namespace AiPlatform.Operations.Events;

/// <summary><c>GET /v1/events</c>: live events as server-sent events.</summary>
internal static class EventEndpoints
{
    private const int MaxTopics = 50;
    private const int ReplayBatch = 500;

    // Shorter than the silence after which proxies give a connection up (the Functions host: 240 s).
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    // Rights end at once: for who listens, after so long at most.
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(3);

    /// <summary>Registers the feature.</summary>
    public static IServiceCollection AddEvents(this IServiceCollection services)
        => services.AddSingleton<EventStore>().AddLoop<EventFeed>("events");

    /// <summary>Maps the route.</summary>
    public static void MapEventEndpoints(this IEndpointRouteBuilder routes)
        => routes.MapGet("/v1/events", StreamAsync).WithTags("Events").RequireAction(OperationsActions.ReadEvents).WithLongRequests()
            .WithOperationId("streamEvents").WithSummary("Live events of topics such as job:ID, run:ID, project:ID as server-sent events; Last-Event-ID resumes")
            .Produces(StatusCodes.Status200OK, contentType: "text/event-stream");

    private static async Task StreamAsync(
        string topics,
        [FromHeader(Name = "Last-Event-ID")] string? lastEventId,
        Caller caller,
        HttpContext context,
        Callers callers,
        ResourceOwners owners,
        EventStore store,
        EventFeed feed,
        IHostApplicationLifetime lifetime,
        TimeProvider time)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var list = await RequireTopicsAsync(topics, caller, owners, end.Token);
        var now = await store.EndAsync(end.Token);
        var last = lastEventId is { Length: > 0 } ? EventPosition.Parse(lastEventId) : now;
        var subscription = feed.Subscribe(list, now);
        try
        {
            var response = context.Response;
            response.ContentType = "text/event-stream";
            response.Headers.CacheControl = "no-store";
            response.Headers["X-Accel-Buffering"] = "no";
            await WriteAsync(response, "retry: 1000\n\n", end.Token);
            last = await ReplayAsync(response, store, list, last, end.Token);
            await FollowAsync(response, subscription, last, () => MayListenAsync(topics, context, callers, owners, end.Token), time, end.Token);
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            // The subscriber left, or this instance stops and the subscriber goes on elsewhere.
        }
        finally
        {
            feed.Unsubscribe(subscription);
        }
    }

    private static async Task<IReadOnlyList<string>> RequireTopicsAsync(string topics, Caller caller, ResourceOwners owners, CancellationToken cancellationToken)
    {
        var list = topics.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct(StringComparer.Ordinal).ToList();
        Check.That(list.Count is > 0 and <= MaxTopics, "topics", "topic", MaxTopics);
        foreach (var topic in list)
        {
            var (kind, id) = topic.Split(':') is [var first, var second] ? (first, second) : (string.Empty, string.Empty);
            Check.That(owners.HasEvents(kind) && Ids.IsId(id), "topics", "topic", MaxTopics);
            await owners.RequireAsync(kind, id, caller, cancellationToken);
        }

        return list;
    }

    // What was committed before the subscription; the feed may bring some of it again, which FollowAsync leaves out.
    private static async Task<EventPosition> ReplayAsync(
        HttpResponse response, EventStore store, IReadOnlyList<string> topics, EventPosition last, CancellationToken cancellationToken)
    {
        while (true)
        {
            var rows = await store.ReadAsync(topics, last, ReplayBatch, cancellationToken);
            foreach (var row in rows)
            {
                await WriteAsync(response, Format(row), cancellationToken);
                last = row.Position;
            }

            if (rows.Count < ReplayBatch)
            {
                return last;
            }
        }
    }

    private static async Task FollowAsync(
        HttpResponse response, EventSubscription subscription, EventPosition last, Func<Task<bool>> mayListen, TimeProvider time, CancellationToken cancellationToken)
    {
        var waiting = subscription.Rows.WaitToReadAsync(cancellationToken).AsTask();
        var (checkedAt, writtenAt) = (time.GetTimestamp(), time.GetTimestamp());
        while (true)
        {
            await ((Task)waiting).WaitAsync(Recheck, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
            if (time.GetElapsedTime(checkedAt) >= Recheck)
            {
                if (!await mayListen())
                {
                    return;
                }

                checkedAt = time.GetTimestamp();
            }

            if (!waiting.IsCompleted)
            {
                if (time.GetElapsedTime(writtenAt) >= KeepAlive)
                {
                    await WriteAsync(response, ": keep-alive\n\n", cancellationToken);
                    writtenAt = time.GetTimestamp();
                }

                continue;
            }

            if (!await waiting)
            {
                return;
            }

            while (subscription.Rows.TryRead(out var row))
            {
                if (row.Position > last)
                {
                    last = row.Position;
                    await WriteAsync(response, Format(row), cancellationToken);
                }
            }

            writtenAt = time.GetTimestamp();
            waiting = subscription.Rows.WaitToReadAsync(cancellationToken).AsTask();
        }
    }

    // Whether the subscriber would be let in now. One whose token has run out comes back with another.
    private static async Task<bool> MayListenAsync(string topics, HttpContext context, Callers callers, ResourceOwners owners, CancellationToken cancellationToken)
    {
        try
        {
            var caller = await callers.RequireAsync(context);
            await RequireTopicsAsync(topics, caller, owners, cancellationToken);
            return AccessRules.Allows(caller, OperationsActions.ReadEvents);
        }
        catch (ApiException)
        {
            return false;
        }
        catch (NpgsqlException exception) when (Database.IsUnavailable(exception))
        {
            // Nobody can change rights meanwhile, and there are no events either.
            return true;
        }
    }

    // jsonb text has no line breaks, so one data line is enough.
    private static string Format(EventRow row) => $"id: {row.Position}\nevent: {row.Kind}\ndata: {{\"topic\":\"{row.Topic}\",\"data\":{row.Data}}}\n\n";

    private static async Task WriteAsync(HttpResponse response, string text, CancellationToken cancellationToken)
    {
        await response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
    }
}
