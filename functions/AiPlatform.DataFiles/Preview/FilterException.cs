namespace AiPlatform.DataFiles.Preview;

/// <summary>A condition cannot be understood.</summary>
/// <param name="position">Where, from 1.</param>
/// <param name="problem">What is wrong, in English.</param>
public sealed class FilterException(int position, string problem) : Exception($"{position}: {problem}")
{
    /// <summary>Where, from 1.</summary>
    public int Position { get; } = position;

    /// <summary>What is wrong.</summary>
    public string Problem { get; } = problem;
}
