namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Query parameters that say which images are shown; take them with <c>[AsParameters]</c>.</summary>
/// <param name="Mode"><c>first</c> or <c>random</c>; the first ones when absent.</param>
/// <param name="Count">The most images.</param>
/// <param name="Seed">Makes what is random the same again.</param>
internal readonly record struct ImageParameters(string? Mode, int? Count, int? Seed);
