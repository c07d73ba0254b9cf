namespace AiPlatform.Fuzz.Fuzzing;

/// <summary>An input with which something went wrong.</summary>
/// <param name="Kind">The fuzzer, and the kind of input where it has several: <c>files/parquet</c>.</param>
/// <param name="Problem">What happened, on one line: findings of the same problem are one.</param>
/// <param name="Input">What was sent or read, so that it can be tried again.</param>
/// <param name="Detail">Whatever else helps: a stack, an answer.</param>
internal sealed record Finding(string Kind, string Problem, byte[] Input, string Detail);
