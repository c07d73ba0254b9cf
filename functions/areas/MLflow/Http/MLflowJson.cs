using System.Buffers;
using System.Text.Json;
using AiPlatform.MLflow.Tracking;

namespace AiPlatform.MLflow.Http;

/// <summary>Writes JSON as MLflow's clients get it.</summary>
internal static class MLflowJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>An object with the properties that <paramref name="write"/> writes.</summary>
    public static byte[] Serialize(Action<Utf8JsonWriter> write)
    {
        using var buffer = new PooledBuffer();
        Write(buffer, write);
        return buffer.Written.ToArray();
    }

    /// <summary>Writes a text that may be absent; MLflow's own server leaves such properties out.</summary>
    public static void Optional(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    /// <summary>Writes an object with the properties that <paramref name="write"/> writes.</summary>
    public static void Write(IBufferWriter<byte> target, Action<Utf8JsonWriter> write)
    {
        using var writer = new Utf8JsonWriter(target, Options);
        writer.WriteStartObject();
        write(writer);
        writer.WriteEndObject();
    }
}

/// <summary>A growing buffer out of the shared pool: answers of a megabyte would otherwise be garbage of the expensive kind.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>, IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(4_096);
    private int _length;

    /// <summary>What has been written; good until the buffer is given back.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    /// <inheritdoc />
    public void Advance(int count) => _length += count;

    /// <inheritdoc />
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_bytes.Length - _length < Math.Max(1, sizeHint))
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + sizeHint));
            _bytes.AsSpan(0, _length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }

        return _bytes.AsMemory(_length);
    }

    /// <inheritdoc />
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc />
    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
}
