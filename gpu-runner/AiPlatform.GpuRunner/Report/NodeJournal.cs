using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.GpuRunner.Workspace;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Report;

/// <summary>Makes journals; holds what they share.</summary>
internal sealed class NodeJournalFactory(
    IOptions<RunnerOptions> options, RunnerHttp http, ITokenSource tokens, IJobEventSink events, TimeProvider time, ILoggerFactory loggers)
{
    /// <summary>Opens the journal of a node, new or left by an earlier life.</summary>
    public NodeJournal Open(NodeDirectory directory, NodeState state, string token)
        => new(directory, state, new JobToken(directory, token, tokens), options.Value, http, events, time, loggers);
}

/// <summary>
/// Everything that a node reports: spools on disk and the loops that send them. An <c>Add…</c> ends when its record is durable.
/// </summary>
internal sealed class NodeJournal : IAsyncDisposable
{
    // Spools and logs must not find the disk full because of an artifact.
    private const long DiskReserve = 256L << 20;

    private readonly NodeDirectory _directory;
    private readonly DurableSpool _data;
    private readonly DurableSpool _artifacts;
    private readonly DurableSpool _events;
    private readonly DataSender _dataSender;
    private readonly ArtifactSender _artifactSender;
    private readonly EventSender _eventSender;
    private readonly List<LogSender> _logSenders;
    private readonly ConcurrentDictionary<int, Source> _sources = new();
    private readonly SemaphoreSlim _order = new(1, 1);
    private readonly long _contentLimit;
    private readonly TimeSpan _copyPatience;
    private readonly TimeProvider _time;
    private int _content;
    private long _systemSequence;
    private bool _resumeKnown;

    public NodeJournal(
        NodeDirectory directory, NodeState state, JobToken token, RunnerOptions options, RunnerHttp http, IJobEventSink events, TimeProvider time,
        ILoggerFactory loggers)
    {
        (_directory, State, Token, _time, _contentLimit, _copyPatience) = (directory, state, token, time, options.ContentLimitBytes, options.CopyPatience);
        _data = DurableSpool.Open(directory.DataSpool, options.SpoolLimitBytes);
        _artifacts = DurableSpool.Open(directory.ArtifactSpool, options.SpoolLimitBytes);
        _events = DurableSpool.Open(directory.EventSpool, options.SpoolLimitBytes);

        // One try per call: the loops do the waiting, and hear of every failure.
        var client = new AiPlatformClient(http.Api, token, maxAttempts: 1);
        var transfers = new AiPlatformClient(http.Blob, token, maxAttempts: 1);
        _dataSender = new DataSender(state, directory, _data, client, options.FlushInterval, time, loggers.CreateLogger<DataSender>());
        _artifactSender = new ArtifactSender(state, directory, _artifacts, transfers, options.FlushInterval, time, loggers.CreateLogger<ArtifactSender>());
        _eventSender = new EventSender(state.Key, _events, events, time, loggers.CreateLogger<EventSender>());
        _logSenders =
        [
            .. state.Ranks.Select(rank => new LogSender(
                state.Key, rank, directory.LogFile(rank), client, options.LogInterval, time, loggers.CreateLogger<LogSender>())),
        ];
    }

    /// <summary>The node.</summary>
    public NodeState State { get; }

    /// <summary>The token that reports are sent with.</summary>
    public JobToken Token { get; }

    /// <summary>Bytes that wait on disk to be sent (artifacts by their records only).</summary>
    public long Pending => _data.Pending + _artifacts.Pending + _events.Pending;

    /// <summary>Whether everything but the events has been acknowledged.</summary>
    public bool IsUploaded => _dataSender.IsDrained && _artifactSender.IsDrained && _logSenders.TrueForAll(static sender => sender.IsDrained);

    /// <summary>Starts sending.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _dataSender.StartAsync(cancellationToken).ConfigureAwait(false);
        await _artifactSender.StartAsync(cancellationToken).ConfigureAwait(false);
        await _eventSender.StartAsync(cancellationToken).ConfigureAwait(false);
        foreach (var sender in _logSenders)
        {
            await sender.StartAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Numbers points and keeps them.</summary>
    public async Task AddMetricsAsync(int rank, IReadOnlyList<MetricPoint> points, CancellationToken cancellationToken)
    {
        if (rank == 0 && State.Attempt > 1 && !_resumeKnown)
        {
            // Code that never asks for a checkpoint starts from scratch: what earlier attempts measured is superseded.
            await AddResumeAsync(-1, cancellationToken).ConfigureAwait(false);
        }

        var source = _sources.GetOrAdd(rank, static _ => new Source());
        await source.Gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var record = new MetricsRecord($"{State.Node}-{rank}", source.Next, points);
            await _data.AppendAsync(record.Serialize(), cancellationToken).ConfigureAwait(false);
            source.Next += points.Count;
        }
        finally
        {
            source.Gate.Release();
        }
    }

    /// <summary>Keeps parameters or tags.</summary>
    public Task AddAsync(UploadRecord record, CancellationToken cancellationToken) => _data.AppendAsync(record.Serialize(), cancellationToken);

    /// <summary>Keeps the step that the attempt goes on from; the first one counts.</summary>
    public async Task AddResumeAsync(long step, CancellationToken cancellationToken)
    {
        await _order.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (!_resumeKnown)
            {
                await _data.AppendAsync(new ResumeRecord(step).Serialize(), cancellationToken).ConfigureAwait(false);
                _resumeKnown = true;
            }
        }
        finally
        {
            _order.Release();
        }
    }

    /// <summary>Numbers readings of the machine and keeps them. They have a source of their own: no rank waits for them.</summary>
    public async Task AddSystemAsync(IReadOnlyList<MetricPoint> points, CancellationToken cancellationToken)
    {
        await _data.AppendAsync(new MetricsRecord($"system-{State.Node}", _systemSequence, points).Serialize(), cancellationToken).ConfigureAwait(false);
        _systemSequence += points.Count;
    }

    /// <summary>Copies a file into the journal and keeps the record of it; waits while too many bytes wait for the store.</summary>
    public Task AddArtifactAsync(
        Stream source, string path, ArtifactKind kind, long? step, IReadOnlyDictionary<string, double>? metrics, CancellationToken cancellationToken)
        => AddContentAsync(source, (name, size, sha256) => new ArtifactRecord(name, path, size, sha256, kind, step, metrics), cancellationToken);

    /// <summary>As <see cref="AddArtifactAsync"/>, for a piece of media.</summary>
    public Task AddMediaAsync(Stream source, LogMediaRequest media, CancellationToken cancellationToken)
        => AddContentAsync(
            source, (name, size, sha256) => new ArtifactRecord(name, media.Key, size, sha256, ArtifactKind.File, media.Step, null) { Media = media }, cancellationToken);

    private async Task AddContentAsync(Stream source, Func<string, long, string, ArtifactRecord> record, CancellationToken cancellationToken)
    {
        var expected = source.Length;
        if (expected > new DriveInfo(_directory.Contents).AvailableFreeSpace - DiskReserve)
        {
            throw new InvalidDataException($"The file has {expected} bytes, more than the runner's disk has room for.");
        }

        while (PendingContent() is > 0 and var pending && pending + expected > _contentLimit)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), _time, cancellationToken).ConfigureAwait(false);
        }

        var name = $"{Interlocked.Increment(ref _content)}.bin";
        var copy = Path.Combine(_directory.Contents, name);
        string sha256;
        try
        {
            sha256 = await CopyAsync(source, copy, expected, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            File.Delete(copy);
            throw;
        }

        await _artifacts.AppendAsync(record(name, expected, sha256).Serialize(), cancellationToken).ConfigureAwait(false);
        _artifactSender.Wake();
    }

    // The bytes that the file had when it was opened: what is appended meanwhile is not read, and a file that shrinks is refused.
    private async Task<string> CopyAsync(Stream source, string copy, long expected, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_copyPatience, _time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var target = new FileStream(copy, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var buffer = new byte[256 * 1024];
        try
        {
            for (var left = expected; left > 0;)
            {
                var count = await source.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), ended.Token).ConfigureAwait(false);
                if (count == 0)
                {
                    throw new InvalidDataException("The file became shorter while it was read.");
                }

                hash.AppendData(buffer, 0, count);
                await target.WriteAsync(buffer.AsMemory(0, count), ended.Token).ConfigureAwait(false);
                left -= count;
            }
        }
        catch (OperationCanceledException exception) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new InvalidDataException($"The file could not be read within {_copyPatience}.", exception);
        }

        target.Flush(flushToDisk: true);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Keeps an event; it is sent at once.</summary>
    public async Task AddEventAsync(JobEvent jobEvent, CancellationToken cancellationToken)
    {
        await _events.AppendAsync(JsonSerializer.SerializeToUtf8Bytes(jobEvent, ContractsJson.Strict), cancellationToken).ConfigureAwait(false);
        _eventSender.Wake();
    }

    /// <summary>Waits until data, artifacts and logs are acknowledged.</summary>
    public async Task UploadAllAsync(CancellationToken cancellationToken)
    {
        await _dataSender.DrainAsync(cancellationToken).ConfigureAwait(false);
        await _artifactSender.DrainAsync(cancellationToken).ConfigureAwait(false);
        foreach (var sender in _logSenders)
        {
            await sender.DrainAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until the events are sent.</summary>
    public Task SendEventsAsync(CancellationToken cancellationToken) => _eventSender.DrainAsync(cancellationToken);

    /// <summary>Stops sending and closes the files; what was not sent stays for a later life.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var loop in (IEnumerable<Hosting.BackgroundLoop>)[_dataSender, _artifactSender, _eventSender, .. _logSenders])
        {
            await loop.StopAsync(CancellationToken.None).ConfigureAwait(false);
            loop.Dispose();
        }

        await _data.DisposeAsync().ConfigureAwait(false);
        await _artifacts.DisposeAsync().ConfigureAwait(false);
        await _events.DisposeAsync().ConfigureAwait(false);
        _order.Dispose();
        foreach (var source in _sources.Values)
        {
            source.Gate.Dispose();
        }
    }

    private long PendingContent()
    {
        long total = 0;
        foreach (var file in new DirectoryInfo(_directory.Contents).EnumerateFiles())
        {
            try
            {
                total += file.Length;
            }
            catch (FileNotFoundException)
            {
                // Sent in this moment.
            }
        }

        return total;
    }

    /// <summary>Who numbers points; the connections of one rank take turns.</summary>
    private sealed class Source
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public long Next { get; set; }
    }
}
