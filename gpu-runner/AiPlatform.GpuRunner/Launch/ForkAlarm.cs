using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace AiPlatform.GpuRunner.Launch;

/// <summary>
/// Says from two numbers of the kernel that many processes have come up since the last look, so that a look need not wait for its time. It
/// may be wrong: the look finds out.
/// </summary>
internal sealed class ForkAlarm : IDisposable
{
    private readonly SafeFileHandle _load = File.OpenHandle("/proc/loadavg");
    private readonly int _many;
    private (long Tasks, long Last) _quiet;

    /// <param name="many">What counts as many.</param>
    public ForkAlarm(int many)
    {
        _many = many;
        Reset();
    }

    /// <summary>Whether so many processes or threads have started since <see cref="Reset"/>.</summary>
    public bool Rings()
    {
        var (tasks, last) = Read();
        return tasks - _quiet.Tasks > _many || last - _quiet.Last > _many || last < _quiet.Last;
    }

    /// <summary>What there is now is normal.</summary>
    public void Reset() => _quiet = Read();

    /// <inheritdoc />
    public void Dispose() => _load.Dispose();

    /// <summary>How many tasks the machine has, and the number of the last one, of the text of <c>/proc/loadavg</c>; zero when there is none.</summary>
    internal static (long Tasks, long Last) Parse(ReadOnlySpan<byte> text)
    {
        // 0.20 0.18 0.12 1/80 11206
        var slash = text.IndexOf((byte)'/');
        return slash >= 0 && Utf8Parser.TryParse(text[(slash + 1)..], out long tasks, out var used)
            && Utf8Parser.TryParse(text[(slash + 1 + used)..].TrimStart((byte)' '), out long last, out _)
            ? (tasks, last)
            : default;
    }

    private (long Tasks, long Last) Read()
    {
        Span<byte> text = stackalloc byte[128];
        try
        {
            return Parse(text[..RandomAccess.Read(_load, text, 0)]);
        }
        catch (IOException)
        {
            return default; // Then looks come at their time.
        }
    }
}
