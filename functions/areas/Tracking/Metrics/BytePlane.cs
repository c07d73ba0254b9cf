namespace AiPlatform.Tracking.Metrics;

/// <summary>How a chunk holds one byte plane of its values; the numbers are stored.</summary>
internal enum PlaneStorage
{
    /// <summary>Every byte is zero, and none is stored.</summary>
    Zero = 0,

    /// <summary>In the part that is compressed.</summary>
    Packed = 1,

    /// <summary>As it is, for compression would cost readers time and save next to nothing.</summary>
    Raw = 2,
}

/// <summary>The bytes of equal significance of all values of a chunk.</summary>
internal static class BytePlane
{
    // Eight bits less 8 %: a plane whose bytes carry more than this saves too little.
    private const double RawEntropy = 8 * 0.92;
    private static readonly double RawCollisions = Math.Pow(2, -RawEntropy);

    /// <summary>How the plane is stored best.</summary>
    public static PlaneStorage StorageOf(ReadOnlySpan<byte> plane)
    {
        if (!plane.ContainsAnyExcept((byte)0))
        {
            return PlaneStorage.Zero;
        }

        return Collisions(plane) < RawCollisions ? PlaneStorage.Raw : PlaneStorage.Packed;
    }

    /// <summary>Puts a plane into its place in each of the values.</summary>
    public static void Merge(ReadOnlySpan<byte> plane, int shift, Span<ulong> values)
    {
        values = values[..plane.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] |= (ulong)plane[i] << shift;
        }
    }

    // How likely two bytes of the plane are equal. Its logarithm is the collision entropy: an estimate of the entropy that is
    // never above Shannon's, without bias for few bytes, and without a logarithm for each kind of byte.
    private static double Collisions(ReadOnlySpan<byte> plane)
    {
        Span<int> counts = stackalloc int[256];
        counts.Clear();
        foreach (var value in plane)
        {
            counts[value]++;
        }

        long pairs = 0;
        foreach (var count in counts)
        {
            pairs += (long)count * (count - 1);
        }

        // A single byte has no pair, and is not worth a plane of its own.
        return plane.Length > 1 ? pairs / ((double)plane.Length * (plane.Length - 1)) : 1;
    }
}
