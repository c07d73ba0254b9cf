using AiPlatform.Data;
using AiPlatform.Data.Expectations;
using AiPlatform.DurableTask;

namespace AiPlatform.Orchestrations.Platform;

/// <summary>
/// Which failures a repeat can help against. What the platform refused, what the content is, and what the code did wrong will be the same
/// the next time; what the network, the storage and the clock did may not.
/// </summary>
internal static class LastingFailure
{
    private static readonly Type[] Lasting =
    [
        typeof(PlatformRefusedException), typeof(DataFormatException), typeof(QualityPlanException), typeof(Data.ImportException), typeof(ArgumentException), typeof(FormatException),
        typeof(InvalidDataException), typeof(NotSupportedException), typeof(NotImplementedException), typeof(InvalidCastException), typeof(NullReferenceException),
        typeof(IndexOutOfRangeException), typeof(ArithmeticException), typeof(KeyNotFoundException), typeof(RankException), typeof(InvalidOperationException),
    ];

    /// <summary>Whether the step is worth repeating; for <see cref="RetryPolicy.HandleFailure"/>.</summary>
    public static bool MayPass(TaskFailureDetails failure)
        => !failure.IsNonRetriable && (failure.IsCausedBy<ObjectDisposedException>() || !Array.Exists(Lasting, failure.IsCausedBy));
}
