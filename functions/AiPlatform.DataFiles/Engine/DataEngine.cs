using System.Globalization;
using AiPlatform.DataFiles.Staging;
using DuckDB.NET.Data;

namespace AiPlatform.DataFiles.Engine;

/// <summary>
/// DuckDB over staged files, in this process. It reads nothing but the folder of staged content, loads no extensions, and its settings
/// are locked: a file or a condition that finds a hole in it still meets no other file and no network.
/// </summary>
public sealed class DataEngine : IDisposable
{
    private readonly SemaphoreSlim _sessions;
    private readonly FileStream _lock;
    private readonly string _folder;
    private readonly string _content;
    private readonly string _spill;
    private long _opened;

    /// <summary>Takes a folder and empties it.</summary>
    public DataEngine(DataEngineOptions options, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Sessions, 1);
        Options = options;
        (_lock, _folder) = Claim(options.Folder);
        (_content, _spill) = (Fresh("content"), Fresh("spill"));
        _sessions = new SemaphoreSlim(options.Sessions);
        Cache = new StagingCache(_content, options, time);
    }

    /// <summary>The bounds.</summary>
    public DataEngineOptions Options { get; }

    /// <summary>The staged content.</summary>
    internal StagingCache Cache { get; }

    /// <inheritdoc />
    public void Dispose()
    {
        Cache.Dispose();
        _sessions.Dispose();
        Directory.Delete(_folder, recursive: true);
        _lock.Dispose();
    }

    /// <summary>Opens a session; it waits while too many are open. Each has an engine of its own, so that none takes another's memory.</summary>
    internal async Task<EngineSession> OpenAsync(CancellationToken cancellationToken)
    {
        await _sessions.WaitAsync(cancellationToken).ConfigureAwait(false);
        var connection = new DuckDBConnection("DataSource=:memory:");
        var spill = Path.Combine(_spill, Interlocked.Increment(ref _opened).ToString(CultureInfo.InvariantCulture));
        void Release()
        {
            connection.Dispose();
            if (Directory.Exists(spill))
            {
                Directory.Delete(spill, recursive: true);
            }

            _sessions.Release();
        }

        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            await using var command = connection.CreateCommand();
            command.CommandText = string.Join(";\n", [.. Settings(spill), .. Macros.All, .. Locks()]);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            return new EngineSession(connection, Options.QueryTime, Release);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>A text of ours as a literal of SQL.</summary>
    internal static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    // The first folder that no living process holds.
    private static (FileStream Lock, string Folder) Claim(string parent)
    {
        Directory.CreateDirectory(parent);
        for (var i = 0; ; i++)
        {
            try
            {
                var handle = new FileStream(Path.Combine(parent, $"{i}.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                return (handle, Path.Combine(parent, $"{i}"));
            }
            catch (IOException) when (i < 1000)
            {
                // Another process holds it.
            }
        }
    }

    private string Fresh(string name)
    {
        var path = Path.Combine(_folder, name);
        if (Directory.Exists(path))
        {
            Directory.Delete(path, recursive: true);
        }

        return Directory.CreateDirectory(path).FullName;
    }

    private IEnumerable<string> Settings(string spill) =>
    [
        $"SET threads = {Options.Threads}",
        $"SET memory_limit = '{Options.MemoryBytes >> 20}MiB'",
        $"SET temp_directory = {Literal(spill)}",
        $"SET max_temp_directory_size = '{Options.SpillBytes >> 20}MiB'",
        "SET enable_external_file_cache = false",
        "SET TimeZone = 'UTC'",
    ];

    private IEnumerable<string> Locks() =>
    [
        $"SET allowed_directories = [{Literal(_content + Path.DirectorySeparatorChar)}]",
        "SET autoinstall_known_extensions = false",
        "SET autoload_known_extensions = false",
        "SET allow_community_extensions = false",
        "SET enable_external_access = false",
        "SET lock_configuration = true",
    ];
}
