using System.Text.Json.Serialization;
using AiPlatform.Contracts.Experiments;

namespace AiPlatform.GpuRunner.Report;

/// <summary>A request of the training runtime; which fields count depends on <paramref name="Op"/>.</summary>
/// <param name="Op"><c>hello</c>, <c>metrics</c>, <c>params</c>, <c>tags</c>, <c>artifact</c>, <c>media</c>, <c>resume</c> or <c>state</c>.</param>
internal sealed record RuntimeRequest(
    long Id, string Op, int? Rank = null, IReadOnlyList<MetricPoint>? Points = null, IReadOnlyDictionary<string, string>? Values = null,
    string? File = null, string? Path = null, ArtifactKind? Kind = null, long? Step = null, IReadOnlyDictionary<string, double>? Metrics = null,
    RuntimeMedia? Media = null);

/// <summary>What a piece of media is; its step and its file are those of the request.</summary>
internal sealed record RuntimeMedia(string Key, MediaKind Kind, string? Caption = null);

/// <summary>The answer to a request; it comes when what was asked is durable.</summary>
internal sealed record RuntimeAnswer(long Id, bool Ok)
{
    /// <summary>What kind of refusal it is: a stable code.</summary>
    public string? Code { get; init; }

    /// <summary>Why it was refused.</summary>
    public string? Error { get; init; }

    /// <summary>The local checkpoint file.</summary>
    public string? Path { get; init; }

    /// <summary>The checkpoint's step.</summary>
    public long? Step { get; init; }

    /// <summary>Whether to end soon.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Stop { get; init; }

    /// <summary>Whether a checkpoint is wanted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Checkpoint { get; init; }
}

/// <summary>What the platform wants of running code.</summary>
internal sealed class NodeWishes
{
    private volatile bool _stop;
    private volatile bool _checkpoint;

    /// <summary>End soon.</summary>
    public bool Stop
    {
        get => _stop;
        set => _stop = value;
    }

    /// <summary>Save a checkpoint.</summary>
    public bool Checkpoint
    {
        get => _checkpoint;
        set => _checkpoint = value;
    }
}
