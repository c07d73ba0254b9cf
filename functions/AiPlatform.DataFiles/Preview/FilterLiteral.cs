namespace AiPlatform.DataFiles.Preview;

/// <summary>A constant of a condition: one of its parts is there.</summary>
internal sealed record FilterLiteral(string? Text, NumberLiteral? Number, bool? Flag);
