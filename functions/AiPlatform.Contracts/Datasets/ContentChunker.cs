using System.Security.Cryptography;

namespace AiPlatform.Contracts.Datasets;

/// <summary>
/// Cuts a stream of bytes where its content says so (FastCDC: a gear hash with normalised cut conditions), so that an insertion or
/// a change moves no cut beyond its neighbourhood and everything else is recognised again. Client and server cut alike.
/// Feed the bytes in pieces of any size, then call <see cref="Finish"/>.
/// </summary>
public sealed class ContentChunker : IDisposable
{
    /// <summary>Files from this length on are cut; smaller ones are shared as wholes.</summary>
    public const long Threshold = 4 << 20;

    private const int SmallestAverage = 256 << 10;
    private const int MostChunks = 32_768;
    private static readonly ulong[] Gear = MakeGear();

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<Chunk> _chunks = [];
    private readonly int _minimum;
    private readonly int _average;
    private readonly int _maximum;
    private readonly ulong _strict;
    private readonly ulong _loose;
    private ulong _gear;
    private int _length;

    /// <param name="fileSize">Bytes of the whole file: the larger, the longer its chunks.</param>
    public ContentChunker(long fileSize)
    {
        long average = SmallestAverage;
        while (fileSize / average > MostChunks && average < ChunkList.MaxChunkLength / 16)
        {
            average *= 4;
        }

        var bits = int.Log2((int)average);
        (_minimum, _average, _maximum) = ((int)average / 4, (int)average, (int)average * 4);

        // Harder to cut before the average than after it: lengths gather around the average.
        (_strict, _loose) = (Mask(bits + 1), Mask(bits - 1));
    }

    /// <summary>The chunks so far, the last one excluded until <see cref="Finish"/>.</summary>
    public IReadOnlyList<Chunk> Chunks => _chunks;

    /// <summary>Takes the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var cut = Cut(bytes, out var taken);
            _hash.AppendData(bytes[..taken]);
            _length += taken;
            bytes = bytes[taken..];
            if (cut)
            {
                End();
            }
        }
    }

    /// <summary>Ends the last chunk and gives all of them.</summary>
    public IReadOnlyList<Chunk> Finish()
    {
        if (_length > 0)
        {
            End();
        }

        return _chunks;
    }

    /// <inheritdoc />
    public void Dispose() => _hash.Dispose();

    private bool Cut(ReadOnlySpan<byte> bytes, out int taken)
    {
        // No cut before the minimum: those bytes need not be looked at, but for the last 64, which the hash remembers.
        var at = Math.Min(Math.Max(_minimum - 64 - _length, 0), bytes.Length);
        var limit = Math.Min(_maximum - _length, bytes.Length);
        var found = Scan(bytes, ref at, Math.Min(_minimum - 1 - _length, limit), ulong.MaxValue)
            || Scan(bytes, ref at, Math.Min(_average - _length, limit), _strict)
            || Scan(bytes, ref at, limit, _loose);
        taken = found ? at : limit;
        return found || _length + taken == _maximum;
    }

    /// <summary>Goes on from <paramref name="at"/> to <paramref name="end"/>; true when it came upon a cut, which is then before <paramref name="at"/>.</summary>
    private bool Scan(ReadOnlySpan<byte> bytes, ref int at, int end, ulong mask)
    {
        var gear = _gear;
        var table = Gear;
        for (var i = at; i < end; i++)
        {
            gear = (gear << 1) + table[bytes[i]];
            if ((gear & mask) == 0 && mask != ulong.MaxValue)
            {
                at = i + 1;
                return true;
            }
        }

        _gear = gear;
        at = Math.Max(at, end);
        return false;
    }

    private void End()
    {
        _chunks.Add(new Chunk(_hash.GetHashAndReset(), _length));
        (_length, _gear) = (0, 0);
    }

    // The high bits depend on the last 64 bytes, the low ones only on the last few.
    private static ulong Mask(int bits) => ((1UL << bits) - 1) << (64 - bits);

    // Any fixed random table does; client and server must have the same one for ever.
    private static ulong[] MakeGear()
    {
        var table = new ulong[256];
        var state = 0x9E37_79B9_7F4A_7C15UL;
        for (var i = 0; i < table.Length; i++)
        {
            // SplitMix64.
            state += 0x9E37_79B9_7F4A_7C15UL;
            var z = (state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EBUL;
            table[i] = z ^ (z >> 31);
        }

        return table;
    }
}
