namespace AiPlatform.Functions.MLflow.Search;

/// <summary>What a search of runs asks for.</summary>
/// <param name="View">Which of active and deleted runs.</param>
/// <param name="Filter">Clauses that must all hold.</param>
/// <param name="Order">Columns to order by; where they are equal the youngest runs come first, then the smaller id.</param>
internal sealed record RunQuery(LifecycleView View, IReadOnlyList<Comparison> Filter, IReadOnlyList<Ordering> Order);
