namespace AiPlatform.DataFiles.Statistics;

/// <summary>
/// Counts rows that repeat an earlier row, by 64-bit hashes: exactly up to a bound; beyond it only rows whose hashes end in some zero
/// bits are kept, and the count is scaled up. A repeat always has its original's hash, so that the sample is fair.
/// </summary>
/// <param name="maxKept">Hashes kept at most; 16 bytes each.</param>
internal sealed class DuplicateCounter(int maxKept = 4_000_000)
{
    private ulong[] _slots = new ulong[1024];
    private int _kept;
    private int _shift;
    private long _repeats;
    private bool _zero;

    /// <summary>Whether <see cref="Count"/> is exact.</summary>
    public bool IsExact => _shift == 0;

    /// <summary>Rows that repeat an earlier one.</summary>
    public long Count => _repeats << _shift;

    /// <summary>Adds a row; true when it repeats an earlier one that was kept.</summary>
    public bool Add(ulong hash)
    {
        if ((hash & ((1UL << _shift) - 1)) != 0)
        {
            return false;
        }

        if (hash == 0 ? _zero : !TryInsert(hash))
        {
            _repeats++;
            return true;
        }

        _zero |= hash == 0;
        if (_kept > maxKept)
        {
            Thin();
        }

        return false;
    }

    private bool TryInsert(ulong hash)
    {
        if (_kept * 2 >= _slots.Length)
        {
            Rebuild(_slots.Length * 2);
        }

        var slot = Slot(_slots, hash);
        if (_slots[slot] == hash)
        {
            return false;
        }

        _slots[slot] = hash;
        _kept++;
        return true;
    }

    private void Thin()
    {
        _shift++;
        _repeats >>= 1;
        Rebuild(_slots.Length);
    }

    private void Rebuild(int size)
    {
        var (old, mask) = (_slots, (1UL << _shift) - 1);
        _slots = new ulong[size];
        _kept = 0;
        foreach (var hash in old)
        {
            if (hash != 0 && (hash & mask) == 0)
            {
                _slots[Slot(_slots, hash)] = hash;
                _kept++;
            }
        }
    }

    private static int Slot(ulong[] slots, ulong hash)
    {
        // The high bits: the low ones are equal in a thinned set.
        var slot = (int)((hash * 0x9E3779B97F4A7C15) >> 32) & (slots.Length - 1);
        while (slots[slot] != 0 && slots[slot] != hash)
        {
            slot = (slot + 1) & (slots.Length - 1);
        }

        return slot;
    }
}
