using System.Numerics;

namespace AiPlatform.Data.Statistics;

/// <summary>Counts distinct values by their hashes: exactly while there are few, then by HyperLogLog with an error of about 1 %.</summary>
internal sealed class DistinctCounter
{
    private const int MaxExact = 16_384;
    private const int Bits = 13;

    private HashSet<ulong>? _exact = [];
    private byte[]? _registers;

    /// <summary>Whether <see cref="Count"/> is exact.</summary>
    public bool IsExact => _exact is not null;

    /// <summary>Distinct values.</summary>
    public long Count => _exact?.Count ?? Estimate();

    /// <summary>Adds a value.</summary>
    public void Add(ulong hash)
    {
        if (_exact is null)
        {
            Register(hash);
        }
        else if (_exact.Add(hash) && _exact.Count > MaxExact)
        {
            _registers = new byte[1 << Bits];
            foreach (var known in _exact)
            {
                Register(known);
            }

            _exact = null;
        }
    }

    private void Register(ulong hash)
    {
        var rank = (byte)(BitOperations.LeadingZeroCount((hash << Bits) | (1UL << (Bits - 1))) + 1);
        ref var register = ref _registers![hash >> (64 - Bits)];
        register = Math.Max(register, rank);
    }

    private long Estimate()
    {
        var (sum, zeros) = (0d, 0);
        foreach (var register in _registers!)
        {
            sum += Math.ScaleB(1, -register);
            zeros += register == 0 ? 1 : 0;
        }

        double m = _registers.Length;
        var raw = 0.7213 / (1 + (1.079 / m)) * m * m / sum;
        return (long)Math.Round(raw <= 2.5 * m && zeros > 0 ? m * Math.Log(m / zeros) : raw);
    }
}
