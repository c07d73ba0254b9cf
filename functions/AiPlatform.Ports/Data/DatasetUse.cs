namespace AiPlatform.Ports.Data;

/// <summary>
/// A kind of thing that was made with dataset versions, which are not deleted while it is there. Register with
/// <c>services.AddSingleton(new DatasetUse(…))</c>.
/// </summary>
/// <param name="Kind">What it is called in messages: <c>word.{Kind}</c> among the texts.</param>
/// <param name="Rank">Those of a lower rank are named first.</param>
/// <param name="Select"><c>SELECT id, name FROM …</c>: the things that use one of <c>@versions</c>, each once.</param>
public sealed record DatasetUse(string Kind, int Rank, string Select);
