using System.Text.Json;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Registry;

/// <summary>Reads what a model's own files say about it.</summary>
public interface IModelDescriptions
{
    /// <summary>Of the model that an artifact of a run belongs to; empty where there is no such file, or one that cannot be read.</summary>
    Task<ModelDescription> OfArtifactAsync(string projectId, string runId, string path, CancellationToken cancellationToken);
}

/// <summary>What a model's own files say about it.</summary>
/// <param name="Signature">Null when the model has none.</param>
/// <param name="InputExample">Null when the model has none, or one that is no JSON, as a sparse matrix.</param>
public sealed record ModelDescription(JsonElement? Signature, JsonElement? InputExample)
{
    /// <summary>Nothing is known.</summary>
    public static readonly ModelDescription None = new(null, null);
}
