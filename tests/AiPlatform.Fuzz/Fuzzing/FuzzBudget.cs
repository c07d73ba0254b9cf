using System.Diagnostics;

namespace AiPlatform.Fuzz.Fuzzing;

/// <summary>How long a fuzzer goes on: so many inputs, or so long.</summary>
/// <param name="inputs">At most; null for as many as there is time for.</param>
/// <param name="time">At most; null for as long as it takes.</param>
internal sealed class FuzzBudget(long? inputs, TimeSpan? time)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _taken;

    /// <summary>So many inputs.</summary>
    public static FuzzBudget Of(long inputs) => new(inputs, null);

    /// <summary>So long.</summary>
    public static FuzzBudget Of(TimeSpan time) => new(null, time);

    /// <summary>Takes one input; false at the end.</summary>
    public bool Take() => (time is null || _clock.Elapsed < time) && (inputs is null || Interlocked.Increment(ref _taken) <= inputs);
}
