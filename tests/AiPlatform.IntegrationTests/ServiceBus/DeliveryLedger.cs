using System.Collections.Concurrent;
using Azure.Messaging.ServiceBus;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>
/// What the senders and consumers of one run saw of each message, by its id. The queue must detect duplicates, so that a send that
/// was repeated after a lost answer is one message.
/// </summary>
internal sealed class DeliveryLedger
{
    // The protocol tells when a lock ends in whole milliseconds, rounded, and a completion can be confirmed within one.
    private static readonly TimeSpan Precision = TimeSpan.FromMilliseconds(1);

    private readonly ConcurrentDictionary<string, Fate> _fates = new(StringComparer.Ordinal);

    /// <summary>How many messages the broker confirmed to have accepted.</summary>
    public int AcceptedCount => _fates.Values.Count(static fate => fate.IsAccepted);

    /// <summary>How many completions the broker confirmed.</summary>
    public int CompletedCount => _fates.Values.Sum(static fate => fate.Completions.Count);

    /// <summary>How many ended as dead letters.</summary>
    public int DeadLetterCount => _fates.Values.Sum(static fate => fate.DeadLetters);

    /// <summary>How many were delivered more than once.</summary>
    public int RepeatedCount => _fates.Values.Count(static fate => fate.Deliveries.Count > 1);

    /// <summary>How many ended without anybody having heard of it.</summary>
    public int UnconfirmedCount => _fates.Values.Count(static fate => fate.IsAccepted && fate.Completions.IsEmpty && fate.DeadLetters == 0);

    public void Accepted(string id) => Of(id).IsAccepted = true;

    /// <param name="id">The message.</param>
    /// <param name="deliveredAt">When the broker locked it: a delivery may wait long for its handler.</param>
    public void Received(string id, DateTimeOffset deliveredAt) => Of(id).Deliveries.Add(deliveredAt);

    /// <summary>A completion was asked for.</summary>
    public void Completing(string id) => Of(id).HasAttempt = true;

    /// <summary>A completion was confirmed.</summary>
    public void Completed(string id, DateTimeOffset at) => Of(id).Completions.Add(at);

    /// <summary>Asserts that every accepted message ended once; for an empty queue.</summary>
    public void AssertEachEndedOnce()
    {
        var problems = new List<string>();
        foreach (var (id, fate) in _fates)
        {
            var ends = fate.Completions.Count + fate.DeadLetters;
            if (ends > 1)
            {
                problems.Add($"{id} ended more than once: {fate}");
            }

            // A consumer that ended between asking and hearing cannot say whether it was done; the empty queue says that it was.
            if (fate.IsAccepted && ends == 0 && !fate.HasAttempt)
            {
                problems.Add($"{id} was accepted and is lost: {fate}");
            }

            if (!fate.Completions.IsEmpty && fate.Deliveries.Any(delivery => delivery - Precision > fate.Completions.Max()))
            {
                problems.Add($"{id} was delivered again after its completion was confirmed: {fate}");
            }
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems.Prepend(ToString()).Take(20)));
    }

    /// <summary>Takes note of every dead letter of a queue, and leaves them there.</summary>
    public async Task ReadDeadLettersAsync(ServiceBusClient client, string queue)
    {
        await using var dead = client.CreateReceiver(queue, new ServiceBusReceiverOptions { SubQueue = SubQueue.DeadLetter });
        while (await dead.PeekMessagesAsync(100) is { Count: > 0 } letters)
        {
            foreach (var letter in letters)
            {
                Interlocked.Increment(ref Of(letter.MessageId).DeadLetters);
            }
        }
    }

    public override string ToString()
        => $"{AcceptedCount} accepted, {CompletedCount} completed, {DeadLetterCount} dead letters, {UnconfirmedCount} ended unheard, {RepeatedCount} delivered more than once";

    private Fate Of(string id) => _fates.GetOrAdd(id, static _ => new Fate());

    private sealed class Fate
    {
        public int DeadLetters;

        public bool IsAccepted { get; set; }

        public bool HasAttempt { get; set; }

        public ConcurrentBag<DateTimeOffset> Deliveries { get; } = [];

        public ConcurrentBag<DateTimeOffset> Completions { get; } = [];

        public override string ToString()
            => $"delivered [{Times(Deliveries)}], completion asked for: {HasAttempt}, completed [{Times(Completions)}], {DeadLetters} dead letters";

        private static string Times(IEnumerable<DateTimeOffset> times) => string.Join(' ', times.Order().Select(static time => time.ToString("HH:mm:ss.fff")));
    }
}
