namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Query parameters that say which rows are shown; take them with <c>[AsParameters]</c>.</summary>
/// <param name="Mode"><c>first</c> or <c>random</c>; the first ones when absent.</param>
/// <param name="Filter">Which rows, such as <c>age > 30 AND city = 'Oslo'</c>.</param>
/// <param name="Rows">The most rows.</param>
/// <param name="Seed">Makes what is random the same again.</param>
internal readonly record struct PreviewParameters(string? Mode, string? Filter, int? Rows, int? Seed);
