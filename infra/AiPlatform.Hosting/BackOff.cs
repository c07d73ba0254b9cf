namespace AiPlatform.Hosting;

/// <summary>
/// How long to wait before a repeat: a random time below a ceiling that doubles with each failure, so that many who failed
/// together do not come back together.
/// </summary>
public static class BackOff
{
    private const int MostCounted = 30;

    /// <summary>A random wait after <paramref name="failures"/> failures in a row.</summary>
    /// <param name="failures">1 or more.</param>
    /// <param name="first">The ceiling after the first failure.</param>
    /// <param name="longest">The ceiling that is never passed.</param>
    public static TimeSpan After(int failures, TimeSpan first, TimeSpan longest) => Ceiling(failures, first, longest) * Random.Shared.NextDouble();

    /// <summary>The longest wait after <paramref name="failures"/> failures in a row.</summary>
    internal static TimeSpan Ceiling(int failures, TimeSpan first, TimeSpan longest)
    {
        var ceiling = first.TotalMilliseconds * Math.Pow(2, Math.Clamp(failures, 1, MostCounted) - 1);
        return TimeSpan.FromMilliseconds(Math.Min(ceiling, longest.TotalMilliseconds));
    }
}
