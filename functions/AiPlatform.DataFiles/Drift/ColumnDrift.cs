namespace AiPlatform.DataFiles.Drift;

/// <summary>How a column differs from the same column of another version.</summary>
/// <param name="Column">Its name.</param>
/// <param name="Method"><c>kolmogorovSmirnov</c> for numbers, <c>chiSquare</c> for categories, <c>missing</c> for the share of missing values.</param>
/// <param name="Psi">The population stability index: under 0.1 nothing, over 0.25 a great change.</param>
/// <param name="Statistic">The test's statistic.</param>
/// <param name="PValue">How likely such a statistic is when nothing has changed.</param>
/// <param name="MissingBefore">The share of missing values before.</param>
/// <param name="MissingNow">The share of missing values now.</param>
/// <param name="HasDrifted">PSI of at least 0.2 and a p-value under 0.01: large and no accident.</param>
public sealed record ColumnDrift(string Column, string Method, double Psi, double Statistic, double PValue, double MissingBefore, double MissingNow, bool HasDrifted);
