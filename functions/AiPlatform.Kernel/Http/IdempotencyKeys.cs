using AiPlatform.Hosting;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Kernel.Http;

/// <summary>
/// Idempotency keys in PostgreSQL. Claims and answers of simultaneous requests are written in groups, one statement each.
/// A claim's commit does not wait for the disk: the log is flushed in order, so the claim is durable whenever the effect
/// that follows it is.
/// </summary>
public sealed class IdempotencyKeys : IAsyncDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);
    private readonly Database _database;
    private readonly TimeProvider _time;
    private readonly GroupCommitWriter<Claim> _claims;
    private readonly GroupCommitWriter<IdempotentAnswer> _answers;

    public IdempotencyKeys(Database database, TimeProvider time)
    {
        _database = database;
        _time = time;
        _claims = new GroupCommitWriter<Claim>(WriteClaimsAsync);
        _answers = new GroupCommitWriter<IdempotentAnswer>(WriteAnswersAsync);
    }

    /// <summary>
    /// Takes the key for one request: true when the request is to run now. A key whose first request died (its lease is over
    /// and there is no answer) is taken over by a repeat of the same request.
    /// </summary>
    public async Task<bool> TakeAsync(string caller, string key, byte[] requestHash)
    {
        // Not cancelled with the request: a claim that is on its way would hold the key for the whole lease.
        var claim = new Claim(caller, key, requestHash);
        await _claims.AddAsync(claim, CancellationToken.None);
        return claim.Taken;
    }

    /// <summary>Stores the answer; it is durable when the task ends.</summary>
    public Task StoreAsync(IdempotentAnswer answer) => _answers.AddAsync(answer, CancellationToken.None);

    /// <summary>Gives the key of a failed request back.</summary>
    public async Task ReleaseAsync(string caller, string key)
    {
        await using var connection = await _database.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync("DELETE FROM idempotency_keys WHERE caller_id = @caller AND key = @key AND status IS NULL", new { caller, key });
    }

    /// <summary>What is stored under a key; null when it was given back meanwhile.</summary>
    public async Task<StoredRequest?> FindAsync(string caller, string key, CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<StoredRequest>(new CommandDefinition(
            "SELECT request_hash, status, headers::text AS headers, body FROM idempotency_keys WHERE caller_id = @caller AND key = @key",
            new { caller, key },
            cancellationToken: cancellationToken));
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _claims.DisposeAsync();
        await _answers.DisposeAsync();
    }

    private async Task WriteClaimsAsync(IReadOnlyList<Claim> group, CancellationToken cancellationToken)
    {
        // One statement cannot touch a row twice: a second claim of the group on a key finds it taken. Sorted, because two
        // instances that insert the same keys must meet in one order.
        var claims = group.DistinctBy(static claim => (claim.Caller, claim.Key))
            .OrderBy(static claim => claim.Caller, StringComparer.Ordinal).ThenBy(static claim => claim.Key, StringComparer.Ordinal).ToArray();
        var now = _time.GetUtcNow();
        await using var connection = await _database.OpenAsync(cancellationToken);
        var taken = await connection.QueryAsync<(string Caller, string Key)>(new CommandDefinition(
            """
            WITH mode AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS value)
            INSERT INTO idempotency_keys AS k (caller_id, key, request_hash, created_at, lease_until)
            SELECT c.caller, c.key, c.hash, @now, @until FROM mode CROSS JOIN unnest(@callers, @keys, @hashes) AS c (caller, key, hash)
            ON CONFLICT (caller_id, key) DO UPDATE SET lease_until = excluded.lease_until
            WHERE k.status IS NULL AND k.lease_until < @now AND k.request_hash = excluded.request_hash
            RETURNING caller_id, key
            """,
            new
            {
                callers = Array.ConvertAll(claims, static claim => claim.Caller),
                keys = Array.ConvertAll(claims, static claim => claim.Key),
                hashes = Array.ConvertAll(claims, static claim => claim.RequestHash),
                now,
                until = now + Lease,
            },
            cancellationToken: cancellationToken));
        var keys = taken.ToHashSet();
        foreach (var claim in claims)
        {
            claim.Taken = keys.Contains((claim.Caller, claim.Key));
        }
    }

    private async Task WriteAnswersAsync(IReadOnlyList<IdempotentAnswer> group, CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE idempotency_keys k SET status = a.status, headers = a.headers::jsonb, body = a.body
            FROM unnest(@callers, @keys, @statuses, @headers, @bodies) AS a (caller, key, status, headers, body)
            WHERE k.caller_id = a.caller AND k.key = a.key
            """,
            new
            {
                callers = group.Select(static answer => answer.Caller).ToArray(),
                keys = group.Select(static answer => answer.Key).ToArray(),
                statuses = group.Select(static answer => answer.Status).ToArray(),
                headers = group.Select(static answer => answer.Headers).ToArray(),
                bodies = group.Select(static answer => answer.Body).ToArray(),
            },
            cancellationToken: cancellationToken));
    }

    private sealed record Claim(string Caller, string Key, byte[] RequestHash)
    {
        public bool Taken { get; set; }
    }
}

/// <summary>The answer to the first request under a key.</summary>
/// <param name="Headers">A JSON object of strings.</param>
public sealed record IdempotentAnswer(string Caller, string Key, int Status, string Headers, byte[] Body);

/// <summary>What is known of the first request under a key; without a status it still runs.</summary>
public sealed record StoredRequest
{
    public required byte[] RequestHash { get; init; }

    public int? Status { get; init; }

    public string? Headers { get; init; }

    public byte[]? Body { get; init; }
}
