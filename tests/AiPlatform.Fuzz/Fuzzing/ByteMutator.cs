using System.Buffers.Binary;

namespace AiPlatform.Fuzz.Fuzzing;

/// <summary>Changes bytes at random: flips, numbers at their bounds, pieces cut, repeated, moved and taken from other inputs, words of the format.</summary>
/// <param name="dictionary">Pieces that mean something in the format.</param>
internal sealed class ByteMutator(IReadOnlyList<byte[]> dictionary)
{
    private const int MaxBytes = 1 << 20;

    private static readonly long[] Bounds =
        [0, 1, -1, 2, 7, 16, 127, 128, 255, 256, 32767, 32768, 65535, 65536, int.MaxValue, int.MinValue, uint.MaxValue, 1L << 32, long.MaxValue, long.MinValue, 1L << 40];

    /// <summary>A changed copy.</summary>
    /// <param name="seed">The input.</param>
    /// <param name="other">Another one, to take pieces from.</param>
    public byte[] Mutate(byte[] seed, byte[] other, Random random)
    {
        var bytes = new List<byte>(seed);
        for (var changes = 1 << random.Next(0, 4); changes > 0 && bytes.Count < MaxBytes; changes--)
        {
            Change(bytes, other, random);
        }

        return [.. bytes];
    }

    private void Change(List<byte> bytes, byte[] other, Random random)
    {
        // Formats keep what matters at their beginning and at their end.
        var at = random.Next(4) switch
        {
            0 => random.Next(Math.Min(bytes.Count, 64) + 1),
            1 => Math.Max(0, bytes.Count - random.Next(Math.Min(bytes.Count, 600) + 1)),
            _ => random.Next(bytes.Count + 1),
        };
        var length = Math.Min(bytes.Count - at, 1 << random.Next(0, 9));
        switch (random.Next(11))
        {
            case 0 or 1 or 2 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 3 when at < bytes.Count:
                bytes[at] = (byte)random.Next(256);
                break;
            case 4 or 5:
                WriteNumber(bytes, at, random);
                break;
            case 6:
                bytes.RemoveRange(at, length);
                break;
            case 7:
                var copy = bytes.GetRange(at, length);
                for (var times = random.Next(8) == 0 ? random.Next(1, 200) : 1; times > 0 && bytes.Count < MaxBytes; times--)
                {
                    bytes.InsertRange(at, copy);
                }

                break;
            case 8 when other.Length > 0:
                var from = random.Next(other.Length);
                var piece = other.AsSpan(from, Math.Min(other.Length - from, 1 << random.Next(0, 10))).ToArray();
                bytes.RemoveRange(at, random.Next(2) == 0 ? Math.Min(piece.Length, bytes.Count - at) : 0);
                bytes.InsertRange(at, piece);
                break;
            case 9 when random.Next(4) == 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            default:
                bytes.InsertRange(at, dictionary.Count > 0 && random.Next(8) != 0 ? dictionary[random.Next(dictionary.Count)] : Noise(random));
                break;
        }
    }

    private static void WriteNumber(List<byte> bytes, int at, Random random)
    {
        var value = Bounds[random.Next(Bounds.Length)] + random.Next(-1, 2);
        var number = new byte[8];
        var size = 1 << random.Next(4);
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, value);
        }
        else
        {
            BinaryPrimitives.WriteInt64BigEndian(number, value << (64 - (8 * size)));
        }

        for (var i = 0; i < size && at + i < bytes.Count; i++)
        {
            bytes[at + i] = number[i];
        }
    }

    private static byte[] Noise(Random random)
    {
        var noise = new byte[random.Next(1, 40)];
        random.NextBytes(noise);
        return noise;
    }
}
