namespace AiPlatform.DataFiles.Tables;

/// <summary>How the dates of a column are read.</summary>
/// <param name="Column">Its name.</param>
/// <param name="Order">Day first or month first; null when nothing tells: then the column stays text.</param>
/// <param name="Confidence">1 when a value leaves no choice or it was told, less when values contradict each other, 0 when nothing tells.</param>
/// <param name="Contradictions">Values that can only be read in the other order.</param>
public sealed record DateColumn(string Column, DateOrder? Order, double Confidence, long Contradictions);
