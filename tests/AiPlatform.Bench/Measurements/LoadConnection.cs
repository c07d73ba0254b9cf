using System.Buffers.Text;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace AiPlatform.Bench.Measurements;

/// <summary>
/// One connection of a simulated client: HTTP/1.1, kept alive, one request at a time, answers read to their end and thrown
/// away. It shares two processors with what it measures, where a full HTTP client would take as much time as the server.
/// </summary>
internal sealed class LoadConnection : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly string _headers;
    private byte[] _request = new byte[32 * 1024];
    private readonly byte[] _answer = new byte[64 * 1024];
    private int _begin;
    private int _end;

    private LoadConnection(Uri server, string token) => _headers = $" HTTP/1.1\r\nHost: {server.Authority}\r\nAuthorization: Bearer {token}\r\n";

    /// <summary>Connects.</summary>
    public static async Task<LoadConnection> OpenAsync(Uri server, string token, CancellationToken cancellationToken)
    {
        var connection = new LoadConnection(server, token);
        await connection._socket.ConnectAsync(server.Host, server.Port, cancellationToken);
        return connection;
    }

    /// <summary>Gets.</summary>
    /// <exception cref="HttpRequestException">The answer is no success.</exception>
    public ValueTask GetAsync(string path) => SendAsync($"GET {path}{_headers}\r\n", default);

    /// <summary>Posts JSON.</summary>
    /// <exception cref="HttpRequestException">The answer is no success.</exception>
    public ValueTask PostAsync(string path, ReadOnlyMemory<byte> body)
        => SendAsync(string.Create(CultureInfo.InvariantCulture, $"POST {path}{_headers}Content-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n"), body);

    public void Dispose() => _socket.Dispose();

    private async ValueTask SendAsync(string head, ReadOnlyMemory<byte> body)
    {
        if (_request.Length < head.Length + body.Length)
        {
            _request = new byte[head.Length + body.Length];
        }

        var length = Encoding.ASCII.GetBytes(head, _request);
        body.CopyTo(_request.AsMemory(length));
        for (var (sent, all) = (0, length + body.Length); sent < all;)
        {
            sent += await _socket.SendAsync(_request.AsMemory(sent..all), SocketFlags.None);
        }

        await ReceiveAsync();
    }

    private async ValueTask ReceiveAsync()
    {
        (_begin, _end) = (0, 0);
        int head;
        while ((head = _answer.AsSpan(0, _end).IndexOf("\r\n\r\n"u8)) < 0)
        {
            await FillAsync();
        }

        var status = Encoding.ASCII.GetString(_answer, 9, 3);
        var length = ContentLength(_answer.AsSpan(0, head + 2));
        _begin = head + 4;
        if (status != "200")
        {
            throw new HttpRequestException($"{status} {Encoding.UTF8.GetString(_answer.AsSpan(_begin.._end))}");
        }

        if (length >= 0)
        {
            await SkipAsync(length);
            return;
        }

        while (await ChunkAsync() is > 0 and var chunk)
        {
            await SkipAsync(chunk + 2);
        }

        await SkipAsync(2);
    }

    private async ValueTask<int> ChunkAsync()
    {
        int line;
        while ((line = _answer.AsSpan(_begin.._end).IndexOf("\r\n"u8)) < 0)
        {
            await FillAsync();
        }

        if (!Utf8Parser.TryParse(_answer.AsSpan(_begin, line), out int size, out _, 'x'))
        {
            throw new HttpRequestException("The answer has no length.");
        }

        _begin += line + 2;
        return size;
    }

    private async ValueTask SkipAsync(long count)
    {
        while (count > _end - _begin)
        {
            count -= _end - _begin;
            (_begin, _end) = (0, 0);
            await FillAsync();
        }

        _begin += (int)count;
    }

    private async ValueTask FillAsync()
    {
        if (_end == _answer.Length)
        {
            _answer.AsSpan(_begin.._end).CopyTo(_answer);
            (_begin, _end) = (0, _end - _begin);
        }

        var read = await _socket.ReceiveAsync(_answer.AsMemory(_end), SocketFlags.None);
        _end += read > 0 ? read : throw new HttpRequestException("The connection was closed.");
    }

    private static long ContentLength(ReadOnlySpan<byte> head)
    {
        var name = "\r\nContent-Length: "u8;
        return head.IndexOf(name) is >= 0 and var at && Utf8Parser.TryParse(head[(at + name.Length)..], out long length, out _) ? length : -1;
    }
}
