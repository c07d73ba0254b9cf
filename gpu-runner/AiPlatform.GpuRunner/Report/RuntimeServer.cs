using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.GpuRunner.Workspace;

namespace AiPlatform.GpuRunner.Report;

/// <summary>
/// The Unix socket on which the training runtime talks to the runner: JSON behind a four-byte big-endian length, one answer per request.
/// The peers are job code and not trusted: frames, connections, names and files are checked, and whether the peer is a process of this
/// node: jobs may share an account, and with it the right to connect.
/// </summary>
internal sealed class RuntimeServer : IAsyncDisposable
{
    private const int MaxFrame = 1 << 20;
    private const int MaxConnections = 256;
    private const long MaxMediaBytes = 16L << 20;
    private const int PeerLooks = 20;
    private static readonly TimeSpan PeerPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(10);

    private readonly NodeJournal _journal;
    private readonly NodeWishes _wishes;
    private readonly string _workspace;
    private readonly StagedCheckpoint? _checkpoint;
    private readonly Func<int, bool> _isOwn;
    private readonly ILogger _logger;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _connections = new(MaxConnections, MaxConnections);
    private readonly Task _accepting;

    /// <param name="socketPath">Must not exist.</param>
    /// <param name="workspace">Artifacts must lie in it; a path without links.</param>
    /// <param name="isOwn">Whether a process belongs to the node.</param>
    public RuntimeServer(
        string socketPath, string workspace, NodeJournal journal, StagedCheckpoint? checkpoint, NodeWishes wishes, Func<int, bool> isOwn, ILogger logger)
    {
        (_journal, _workspace, _checkpoint, _wishes, _isOwn, _logger) = (journal, workspace, checkpoint, wishes, isOwn, logger);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(socketPath));
        _listener.Listen(MaxConnections);
        _accepting = AcceptAsync();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        var patience = DateTime.UtcNow + EndPatience;
        for (var i = 0; i < MaxConnections; i++)
        {
            var left = patience - DateTime.UtcNow;
            if (!await _connections.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero).ConfigureAwait(false))
            {
                // A file system does not answer: the slot does not wait for it.
                Logs.RuntimeConnectionsLeft(_logger, MaxConnections - i);
                return;
            }
        }

        _connections.Dispose();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _connections.WaitAsync(_stop.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            try
            {
                var socket = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                _ = Task.Run(() => ServeAsync(socket));
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                _connections.Release();
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            await RequireOwnAsync(PeerOf(socket)).ConfigureAwait(false);
            int? rank = null;
            while (await ReadAsync(stream).ConfigureAwait(false) is { } frame)
            {
                RuntimeAnswer answer;
                long id = 0;
                try
                {
                    RuntimeChecks.Storable(frame);
                    var request = JsonSerializer.Deserialize<RuntimeRequest>(frame, ContractsJson.Tolerant) ?? throw new JsonException("null");
                    id = request.Id;
                    (answer, rank) = await HandleAsync(request, rank).ConfigureAwait(false);
                }
                catch (Exception exception) when (exception is JsonException or InvalidDataException or IOException or UnauthorizedAccessException)
                {
                    answer = new RuntimeAnswer(id, Ok: false) { Code = ErrorCodes.InvalidRequest, Error = exception.Message };
                }

                var body = JsonSerializer.SerializeToUtf8Bytes(answer, ContractsJson.Strict);
                var reply = new byte[4 + body.Length];
                BinaryPrimitives.WriteInt32BigEndian(reply, body.Length);
                body.CopyTo(reply, 4);
                await stream.WriteAsync(reply, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or InvalidDataException)
        {
            Logs.RuntimeConnectionEnded(_logger, exception.Message);
        }
        finally
        {
            _connections.Release();
        }
    }

    // A rank may connect before the runner has noted that it started.
    private async Task RequireOwnAsync(int process)
    {
        for (var look = 1; !_isOwn(process); look++)
        {
            if (look == PeerLooks)
            {
                throw new InvalidDataException($"Process {process} is none of this node's.");
            }

            await Task.Delay(PeerPause, _stop.Token).ConfigureAwait(false);
        }
    }

    // The process that connected, as the kernel knows it.
    private static int PeerOf(Socket socket)
    {
        const int SocketLevel = 1;
        const int PeerCredentials = 17;
        Span<byte> credentials = stackalloc byte[3 * sizeof(int)];
        return socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials) == credentials.Length ? BitConverter.ToInt32(credentials) : 0;
    }

    private async Task<byte[]?> ReadAsync(NetworkStream stream)
    {
        var header = new byte[4];
        if (await stream.ReadAtLeastAsync(header, 4, throwOnEndOfStream: false, _stop.Token).ConfigureAwait(false) < 4)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadInt32BigEndian(header);
        if (length is <= 0 or > MaxFrame)
        {
            throw new InvalidDataException($"A frame of {length} bytes.");
        }

        var frame = new byte[length];
        await stream.ReadExactlyAsync(frame, _stop.Token).ConfigureAwait(false);
        return frame;
    }

    private async Task<(RuntimeAnswer Answer, int? Rank)> HandleAsync(RuntimeRequest request, int? rank)
    {
        if (request.Op == "hello")
        {
            return request.Rank is { } claimed && _journal.State.Ranks.Contains(claimed)
                ? (new RuntimeAnswer(request.Id, Ok: true), claimed)
                : throw new InvalidDataException($"Rank {request.Rank} is not on this node.");
        }

        var own = rank ?? throw new InvalidDataException("The first request must be hello.");
        var answer = new RuntimeAnswer(request.Id, Ok: true);
        switch (request.Op)
        {
            case "metrics":
                await _journal.AddMetricsAsync(own, RuntimeChecks.Points(request.Points), _stop.Token).ConfigureAwait(false);
                break;
            case "params":
                foreach (var values in RuntimeChecks.Params(request.Values))
                {
                    await _journal.AddAsync(new ParamsRecord(values), _stop.Token).ConfigureAwait(false);
                }

                break;
            case "tags":
                foreach (var values in RuntimeChecks.Tags(request.Values))
                {
                    await _journal.AddAsync(new TagsRecord(values), _stop.Token).ConfigureAwait(false);
                }

                break;
            case "artifact":
                await AddArtifactAsync(request).ConfigureAwait(false);
                break;
            case "media":
                await AddMediaAsync(request).ConfigureAwait(false);
                break;
            case "resume":
                if (own == 0 && (_journal.State.Attempt > 1 || _checkpoint is not null))
                {
                    await _journal.AddResumeAsync(_checkpoint?.Step ?? -1, _stop.Token).ConfigureAwait(false);
                }

                answer = answer with { Path = _checkpoint?.Path, Step = _checkpoint?.Step };
                break;
            case "state":
                answer = answer with { Stop = _wishes.Stop, Checkpoint = _wishes.Checkpoint };
                break;
            default:
                throw new InvalidDataException($"Unknown request '{request.Op}'.");
        }

        return (answer, rank);
    }

    private async Task AddArtifactAsync(RuntimeRequest request)
    {
        var path = RuntimeChecks.Artifact(request);
        var kind = request.Kind ?? ArtifactKind.File;
        await using var source = Open(request);
        await _journal.AddArtifactAsync(source, path, kind, request.Step, request.Metrics, _stop.Token).ConfigureAwait(false);
        if (kind == ArtifactKind.Checkpoint)
        {
            _wishes.Checkpoint = false;
        }
    }

    private async Task AddMediaAsync(RuntimeRequest request)
    {
        var media = RuntimeChecks.Media(request, _journal.State.Attempt);
        await using var source = Open(request);
        if (source.Length > MaxMediaBytes)
        {
            throw new InvalidDataException($"A piece of media has at most {MaxMediaBytes} bytes.");
        }

        await _journal.AddMediaAsync(source, media, _stop.Token).ConfigureAwait(false);
    }

    private FileStream Open(RuntimeRequest request)
        => JobFile.Open(_workspace, request.File ?? throw new InvalidDataException("The request needs a file."));
}
