using AiPlatform.DataFiles;
using AiPlatform.DataFiles.Expectations;
using Microsoft.DurableTask;

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

    /// <summary>Whether the step is worth repeating; for <see cref="RetrySchedule"/>.</summary>
    public static bool MayPass(TaskFailureDetails failure)
    {
        // Not the SDK's own question, which fails for a type that several assemblies name.
        var types = Array.FindAll(
            Array.ConvertAll(AppDomain.CurrentDomain.GetAssemblies(), assembly => assembly.GetType(failure.ErrorType, throwOnError: false)),
            static type => type is not null);
        return Array.Exists(types, static type => typeof(ObjectDisposedException).IsAssignableFrom(type))
            || !Array.Exists(types, static type => Array.Exists(Lasting, lasting => lasting.IsAssignableFrom(type)));
    }
}
