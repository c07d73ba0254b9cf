namespace AiPlatform.DataFiles.Preview;

/// <summary>A regular expression of a condition.</summary>
/// <param name="Position">Where it stands, from 1.</param>
/// <param name="Text">The expression.</param>
internal sealed record FilterPattern(int Position, string Text);
