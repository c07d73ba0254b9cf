using System.Text;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using Npgsql;

namespace AiPlatform.Operations.Events;

/// <summary>Writes live events to a subscriber until it leaves, loses its rights, or this instance stops.</summary>
internal sealed class EventStreaming(
    Callers callers, ResourceOwners owners, EventStore store, EventFeed feed, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private const int MaxTopics = 50;
    private const int ReplayBatch = 500;

    // Shorter than the silence after which proxies give a connection up (the Functions host: 240 s).
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    // Rights end at once: for who listens, after so long at most.
    private static readonly TimeSpan Recheck = TimeSpan.FromSeconds(3);

    /// <summary>Answers the request.</summary>
    /// <param name="topics">Topics such as <c>job:ID</c>, apart by commas.</param>
    /// <param name="lastEventId">The id of the last event that the subscriber has; null for what comes from now on.</param>
    /// <exception cref="ApiException">400 for a topic; 404 for what the caller does not reach.</exception>
    public async Task StreamAsync(HttpContext context, Caller caller, string topics, string? lastEventId)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var list = await RequireTopicsAsync(topics, caller, end.Token);
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
            last = await ReplayAsync(response, list, last, end.Token);
            await FollowAsync(response, subscription, last, () => MayListenAsync(context, topics, end.Token), end.Token);
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

    private async Task<IReadOnlyList<string>> RequireTopicsAsync(string topics, Caller caller, CancellationToken cancellationToken)
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
    private async Task<EventPosition> ReplayAsync(HttpResponse response, IReadOnlyList<string> topics, EventPosition last, CancellationToken cancellationToken)
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

    private async Task FollowAsync(
        HttpResponse response, EventSubscription subscription, EventPosition last, Func<Task<bool>> mayListen, CancellationToken cancellationToken)
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
    private async Task<bool> MayListenAsync(HttpContext context, string topics, CancellationToken cancellationToken)
    {
        try
        {
            var caller = await callers.RequireAsync(context);
            await RequireTopicsAsync(topics, caller, cancellationToken);
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
