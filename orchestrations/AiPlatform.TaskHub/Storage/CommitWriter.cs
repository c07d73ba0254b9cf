using System.Net.Sockets;
using AiPlatform.TaskHub.Protobuf;
using AiPlatform.Hosting;
using Npgsql;

namespace AiPlatform.TaskHub.Storage;

/// <summary>
/// The only writer: groups commits, writes each group in one transaction, and moves the state in memory on once the group is
/// durable. While PostgreSQL is away the group waits; nothing is acknowledged meanwhile.
/// </summary>
internal sealed class CommitWriter : IAsyncDisposable
{
    private static readonly TimeSpan MaxBackOff = TimeSpan.FromSeconds(2);

    private readonly HubOwner _owner;
    private readonly Lock _gate;
    private readonly ILogger _logger;
    private readonly Action _applied;
    private readonly Action<Exception> _fault;
    private readonly GroupCommitWriter<Commit> _writer;
    private readonly CancellationTokenSource _abort = new();
    private long _groups;

    /// <param name="owner">The right to write.</param>
    /// <param name="gate">The engine's lock.</param>
    /// <param name="applied">Called under the lock after a group was applied.</param>
    /// <param name="fault">Called when this process can write no more.</param>
    /// <param name="logger">The log.</param>
    public CommitWriter(HubOwner owner, Lock gate, Action applied, Action<Exception> fault, ILogger logger)
    {
        _owner = owner;
        _gate = gate;
        _applied = applied;
        _fault = fault;
        _logger = logger;
        _writer = new GroupCommitWriter<Commit>(WriteAsync, maxGroup: 512);
    }

    /// <summary>
    /// Adds a commit; the task ends when it is durable and applied, or was refused. Called under the engine's lock, so that commits
    /// are applied in the order in which the engine decided them.
    /// </summary>
    public Task AddAsync(Commit commit) => _writer.AddAsync(commit);

    /// <summary>Gives up on a group that cannot be written.</summary>
    public void Abort() => _abort.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        _abort.Dispose();
    }

    private static bool IsTransient(Exception exception) => exception switch
    {
        PostgresException postgres => postgres.IsTransient || postgres.SqlState[..2] is "08" or "53" or "57" or "58",
        NpgsqlException or IOException or SocketException or TimeoutException or ObjectDisposedException => true,
        InvalidOperationException => true,
        _ => false,
    };

    private async Task WriteAsync(IReadOnlyList<Commit> group, CancellationToken cancellationToken)
    {
        _abort.Token.ThrowIfCancellationRequested();
        var reconnect = false;
        _groups++;
        for (var failures = 0; ; failures++)
        {
            try
            {
                if (reconnect)
                {
                    await _owner.ReconnectAsync(_abort.Token);
                }

                var replaced = await DecideStartsAsync(group);
                var accepted = group.Any(commit => commit.Result != CommitResult.Written) ? group.Where(commit => commit.Result == CommitResult.Written).ToList() : group;
                await _owner.WriteAsync(accepted, replaced, _groups, failures > 0, _abort.Token);
                foreach (var commit in group)
                {
                    await (commit.Control?.Invoke(_owner, _abort.Token) ?? Task.CompletedTask);
                }

                break;
            }
            catch (Exception exception) when (IsTransient(exception) && !_abort.IsCancellationRequested)
            {
                reconnect = true;
                Logs.WriteFailed(_logger, exception, group.Count, failures + 1);
                var ceiling = Math.Min(MaxBackOff.TotalMilliseconds, 50 * Math.Pow(2, Math.Min(failures, 10)));
                await Task.Delay(TimeSpan.FromMilliseconds(ceiling * (0.5 + (Random.Shared.NextDouble() / 2))), _abort.Token);
            }
            catch (Exception exception)
            {
                await _abort.CancelAsync();
                _fault(exception);
                throw;
            }
        }

        Metrics.GroupSize.Observe(group.Count);
        lock (_gate)
        {
            foreach (var commit in group)
            {
                (commit.Result == CommitResult.Written ? commit.Apply : commit.Refuse)?.Invoke();
            }

            _applied();
        }
    }

    /// <summary>Which starts meet an existing instance, and what becomes of both. Returns the keys of instances that give way.</summary>
    private async Task<IReadOnlyCollection<long>> DecideStartsAsync(IReadOnlyList<Commit> group)
    {
        var inserts = Commit.InsertsOf(group);
        if (inserts.Length == 0)
        {
            return [];
        }

        var existing = await _owner.FindAsync(inserts, _abort.Token);
        if (existing.Count == 0)
        {
            return [];
        }

        var found = existing.ToDictionary(row => (row.Hub, row.State.InstanceId), row => (row.Key, row.State));
        var replaced = new List<long>();
        foreach (var commit in group)
        {
            commit.Result = CommitResult.Written;
            foreach (var insert in commit.Inserts)
            {
                if (found.TryGetValue((insert.Hub, insert.State.InstanceId), out var old) && old.Key != insert.Key)
                {
                    commit.Result = Decide(insert, old.State);
                    if (commit.Result != CommitResult.Written)
                    {
                        break;
                    }

                    replaced.Add(old.Key);
                }
            }
        }

        return replaced;
    }

    private static CommitResult Decide(InstanceInsert insert, OrchestrationState old)
        => insert.State.ExecutionId == old.ExecutionId ? CommitResult.Repeated
            : insert.Replaceable.Contains(old.OrchestrationStatus) ? CommitResult.Written
            : CommitResult.Conflict;
}
