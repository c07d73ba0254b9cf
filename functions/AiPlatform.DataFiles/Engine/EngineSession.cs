using System.Diagnostics;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Engine;

/// <summary>A connection to the engine. One query at a time; each has a time limit and can be cancelled.</summary>
internal sealed class EngineSession(DuckDBConnection connection, TimeSpan limit, Action release) : IDisposable
{
    private static readonly TimeSpan CancelEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>Runs a query and hands its rows over one by one.</summary>
    /// <param name="sql">The query; whatever users say is in <paramref name="parameters"/>.</param>
    /// <param name="parameters">Values of <c>$1</c>, <c>$2</c> and so on.</param>
    /// <param name="row">Takes a row; false ends the query.</param>
    /// <param name="cancellationToken">Ends the query.</param>
    /// <param name="time">How long it may take; null for the engine's limit.</param>
    /// <exception cref="DataFormatException">The data cannot be read, or a bound is reached.</exception>
    public async Task ReadAsync(
        string sql, IReadOnlyList<object?> parameters, Func<DuckDBDataReader, bool> row, CancellationToken cancellationToken, TimeSpan? time = null)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        stop.CancelAfter(time ?? limit);
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.UseStreamingMode = true;
        foreach (var value in parameters)
        {
            command.Parameters.Add(new DuckDBParameter(value ?? DBNull.Value));
        }

        // The engine computes inside of its calls: they are kept off the pool's few threads that answer requests.
        var work = Task.Factory.StartNew(() => Read(command, row, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await work.WaitAsync(stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // A call to cancel that comes between two steps of the query is lost: it is repeated until the query has ended.
            while (!work.IsCompleted)
            {
                command.Cancel();
                await Task.WhenAny(work, Task.Delay(CancelEvery, CancellationToken.None)).ConfigureAwait(false);
            }

            cancellationToken.ThrowIfCancellationRequested();
            if (!work.IsCompletedSuccessfully)
            {
                throw new DataFormatException(DataErrors.QueryTime, "The query took too long.");
            }
        }
        catch (DuckDBException exception)
        {
            throw EngineErrors.Translate(exception);
        }
        finally
        {
            await work.ContinueWith(static done => done.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).ConfigureAwait(false);
            await command.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Runs a query that gives one row.</summary>
    public async Task<T> OneAsync<T>(string sql, IReadOnlyList<object?> parameters, Func<DuckDBDataReader, T> row, CancellationToken cancellationToken)
    {
        var (found, result) = (false, default(T));
        await ReadAsync(
            sql, parameters,
            reader =>
            {
                (found, result) = (true, row(reader));
                return false;
            },
            cancellationToken).ConfigureAwait(false);
        return found ? result! : throw new UnreachableException("A query for one row gave none.");
    }

    /// <summary>Runs a query and collects its rows.</summary>
    public async Task<List<T>> ListAsync<T>(string sql, IReadOnlyList<object?> parameters, Func<DuckDBDataReader, T> row, CancellationToken cancellationToken, TimeSpan? time = null)
    {
        var rows = new List<T>();
        await ReadAsync(
            sql, parameters,
            reader =>
            {
                rows.Add(row(reader));
                return true;
            },
            cancellationToken, time).ConfigureAwait(false);
        return rows;
    }

    /// <summary>Runs a statement.</summary>
    public Task ExecuteAsync(string sql, CancellationToken cancellationToken) => ReadAsync(sql, [], static _ => true, cancellationToken);

    /// <summary>A second connection to the same engine, for a query at the same time; it must be disposed first.</summary>
    public EngineSession Fork()
    {
        var other = connection.Duplicate();
        other.Open();
        return new EngineSession(other, limit, other.Dispose);
    }

    /// <inheritdoc />
    public void Dispose() => release();

    private static void Read(DuckDBCommand command, Func<DuckDBDataReader, bool> row, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        using var reader = (DuckDBDataReader)command.ExecuteReader();
        while (reader.Read() && row(reader))
        {
            stop.ThrowIfCancellationRequested();
        }
    }
}
