using System.Text.Json;

namespace AiPlatform.Contracts.Models;

/// <summary>A stage of a version, as MLflow names them.</summary>
public enum ModelStage
{
    /// <summary>In no stage.</summary>
    None,

    /// <summary>Being tried.</summary>
    Staging,

    /// <summary>In use.</summary>
    Production,

    /// <summary>No longer used.</summary>
    Archived,
}

/// <summary>A name that points at one version of a model.</summary>
/// <param name="Alias">The alias.</param>
/// <param name="Version">The version's number, from 1.</param>
public sealed record ModelAlias(string Alias, int Version);

/// <summary>Changes a registered model; what is null stays.</summary>
/// <example>{"description": "Reads a handwritten digit.", "tags": {"owner": "ada", "obsolete": null}}</example>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="Tags">Tags to set; a null value removes the tag.</param>
public sealed record UpdateModelRequest(string? Description = null, IReadOnlyDictionary<string, string?>? Tags = null);

/// <summary>Changes a version; what is null stays.</summary>
/// <example>{"metrics": {"accuracy": 0.97}, "tags": {"checked": "yes"}}</example>
/// <param name="Description">What it is for, in the words of its author; null when nobody has said.</param>
/// <param name="Metrics">Replaces all metrics.</param>
/// <param name="Tags">Tags to set; a null value removes the tag.</param>
/// <param name="Signature">Inputs, outputs and parameters, in the form of MLflow's signatures; at most 100,000 characters.</param>
/// <param name="InputExample">Any JSON that the model takes; at most 100,000 characters.</param>
public sealed record UpdateModelVersionRequest(
    string? Description = null, IReadOnlyDictionary<string, double>? Metrics = null, IReadOnlyDictionary<string, string?>? Tags = null,
    JsonElement? Signature = null, JsonElement? InputExample = null);

/// <summary>Points an alias at a version.</summary>
/// <example>{"version": 3}</example>
/// <param name="Version">The version's number, from 1.</param>
public sealed record SetAliasRequest(int Version);

/// <summary>Moves a version to a stage.</summary>
/// <example>{"stage": "staging", "archiveExisting": true}</example>
/// <param name="Stage">The stage.</param>
/// <param name="ArchiveExisting">Whether the versions that are in the stage go to <see cref="ModelStage.Archived"/>; only for Staging and Production.</param>
public sealed record SetStageRequest(ModelStage Stage, bool ArchiveExisting = false);

/// <summary>One move of a version: who moved it where, and by which promotion.</summary>
/// <param name="Version">The version's number, from 1.</param>
/// <param name="Kind">What was moved.</param>
/// <param name="From">The stage before; for an alias the version that it pointed at before.</param>
/// <param name="To">The stage after, or the alias; null for an alias that was taken away.</param>
/// <param name="PromotionId">Null for a move without a request.</param>
/// <param name="ActorId">The id of the account that moved it.</param>
/// <param name="ActorName">The name of the account that moved it.</param>
/// <param name="At">When it happened.</param>
public sealed record ModelMove(int Version, PromotionTargetKind Kind, string? From, string? To, string? PromotionId, string ActorId, string ActorName, DateTimeOffset At);

/// <summary>A model card: what the model is for, how it was made, where it fails.</summary>
/// <param name="Text">Markdown as it was written: whoever renders it must not trust it. Empty when there is none.</param>
/// <param name="Revision">Counts the changes, from 1; 0 when there is none.</param>
/// <param name="AuthorId">The id of the account that wrote it; null while there is none.</param>
/// <param name="AuthorName">The name of the account that wrote it; null while there is none.</param>
/// <param name="At">When it was written; null while there is none.</param>
public sealed record ModelCard(string Text, long Revision, string? AuthorId, string? AuthorName, DateTimeOffset? At);

/// <summary>Writes the next revision of a card.</summary>
/// <example>{"text": "# Digits\n\nReads a handwritten digit. Not for other scripts.\n"}</example>
/// <param name="Text">Markdown, up to 200,000 characters.</param>
public sealed record WriteModelCardRequest(string Text);

/// <summary>Asks for versions side by side.</summary>
/// <example>{"versions": [2, 3]}</example>
/// <param name="Versions">2–50 versions of the model.</param>
public sealed record CompareModelVersionsRequest(IReadOnlyList<int> Versions);

/// <summary>Versions side by side; the values of each row are in the order of <paramref name="Versions"/>.</summary>
/// <param name="Versions">The versions, in the order of the request.</param>
/// <param name="Metrics">One row per metric.</param>
/// <param name="Params">Of the runs that made the versions.</param>
/// <param name="Tags">One row per tag.</param>
/// <param name="Signature">One row per column or parameter of the signatures.</param>
/// <param name="Datasets">One row per dataset: which version went in.</param>
public sealed record ModelVersionComparison(
    IReadOnlyList<ModelVersion> Versions, IReadOnlyList<ComparedNumbers> Metrics, IReadOnlyList<ComparedTexts> Params, IReadOnlyList<ComparedTexts> Tags,
    IReadOnlyList<ComparedTexts> Signature, IReadOnlyList<ComparedTexts> Datasets);

/// <summary>A number of several versions.</summary>
/// <param name="Key">The metric's key.</param>
/// <param name="Differs">Whether two have different values, or one has none.</param>
/// <param name="Values">Null for a version without it.</param>
public sealed record ComparedNumbers(string Key, bool Differs, IReadOnlyList<double?> Values);

/// <summary>A text of several versions.</summary>
/// <param name="Key">What is compared: a parameter, a tag, a column or a dataset.</param>
/// <param name="Differs">Whether two have different values, or one has none.</param>
/// <param name="Values">Null for a version without it.</param>
public sealed record ComparedTexts(string Key, bool Differs, IReadOnlyList<string?> Values);

/// <summary>All that went into a version, in one answer.</summary>
/// <param name="Version">The version.</param>
/// <param name="Run">The run that made it; null for a version that was registered from elsewhere.</param>
/// <param name="Job">The job that drove the run.</param>
/// <param name="Code">What ran; null when nothing is known.</param>
/// <param name="DatasetVersions">The dataset versions that went in.</param>
/// <param name="Inputs">Datasets that the run named itself (MLflow's inputs).</param>
/// <param name="Promotions">The newest 100 requests to promote it.</param>
public sealed record ModelProvenance(
    ModelVersion Version, ProvenanceRun? Run, ProvenanceJob? Job, ProvenanceCode? Code, IReadOnlyList<DatasetVersionReference> DatasetVersions,
    IReadOnlyList<ProvenanceInput> Inputs, IReadOnlyList<ModelPromotion> Promotions);

/// <summary>The run that made a version.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Name">Its name.</param>
/// <param name="ExperimentId">The experiment's id.</param>
/// <param name="ExperimentName">The experiment's name.</param>
/// <param name="Status">The run's status.</param>
/// <param name="StartedAt">When it began to run; null while it has not.</param>
/// <param name="EndedAt">When it ended; null while it has not.</param>
/// <param name="Params">Parameters by name.</param>
/// <param name="Metrics">The last value of each.</param>
public sealed record ProvenanceRun(
    string Id, string Name, string ExperimentId, string ExperimentName, string Status, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt,
    IReadOnlyDictionary<string, string> Params, IReadOnlyDictionary<string, double> Metrics);

/// <summary>The job that drove the run.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Name">Its name.</param>
/// <param name="Status">The job's status.</param>
/// <param name="Attempt">The attempt that made the version.</param>
/// <param name="CreatedBy">The id of the account that submitted it.</param>
public sealed record ProvenanceJob(string Id, string Name, string Status, int Attempt, string? CreatedBy);

/// <summary>The code that ran: a built-in recipe, files that came with the job, or a commit that an MLflow client named.</summary>
/// <param name="Recipe">The built-in recipe; null where code of one's own runs.</param>
/// <param name="EntryPoint">What was started.</param>
/// <param name="Sha256">Over the job's files in the order of their paths.</param>
/// <param name="GitRepository">The repository; null when it is not known.</param>
/// <param name="GitBranch">The branch; null when it is not known.</param>
/// <param name="GitCommit">The commit; null when it is not known.</param>
public sealed record ProvenanceCode(string? Recipe, string? EntryPoint, string? Sha256, string? GitRepository, string? GitBranch, string? GitCommit);

/// <summary>A dataset that the run named itself.</summary>
/// <param name="Name">The dataset's name.</param>
/// <param name="Digest">The digest of its content.</param>
/// <param name="SourceType">What kind of source it was read from.</param>
/// <param name="Source">Where it was read from.</param>
public sealed record ProvenanceInput(string Name, string Digest, string SourceType, string Source);
