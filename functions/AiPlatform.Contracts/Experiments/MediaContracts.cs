namespace AiPlatform.Contracts.Experiments;

/// <summary>What a piece of media is; the shapes of those that are JSON are checked.</summary>
public enum MediaKind
{
    /// <summary>A PNG, JPEG, GIF or WebP image, up to 16 MiB.</summary>
    Image,

    /// <summary>JSON <c>{"edges": [e0, …, en], "counts": [c1, …, cn]}</c> with ascending edges, up to 1 MiB.</summary>
    Histogram,

    /// <summary>UTF-8 text, up to 1 MiB.</summary>
    Text,

    /// <summary>JSON <c>{"columns": ["a", …], "rows": [[1, "x", …], …]}</c>, up to 4 MiB.</summary>
    Table,

    /// <summary>JSON <c>{"labels": ["a", …], "matrix": [[…], …]}</c>; rows are what is true, columns what was predicted; up to 1 MiB.</summary>
    ConfusionMatrix,
}

/// <summary>A piece of media that a run logged at a step.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="RunId">The run's id.</param>
/// <param name="Key">What it shows, as a relative path such as <c>val/samples</c>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Step">The training step.</param>
/// <param name="Attempt">The job's attempt that made it; null where there is no job.</param>
/// <param name="Caption">A caption; null for none.</param>
/// <param name="Path">The artifact of the run that holds the bytes.</param>
/// <param name="ContentType">The media type of its bytes.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">SHA-256 of the content, 64 lower-case hex digits.</param>
/// <param name="Width">In pixels; for images.</param>
/// <param name="Height">In pixels; for images.</param>
/// <param name="CreatedAt">When it was created.</param>
public sealed record MediaItem(
    string Id, string RunId, string Key, MediaKind Kind, long Step, int? Attempt, string? Caption, string Path, string ContentType, long Size, string Sha256,
    int? Width, int? Height, DateTimeOffset CreatedAt);

/// <summary>What a run has under one key.</summary>
/// <param name="Key">The key.</param>
/// <param name="Kind">What is under the key.</param>
/// <param name="Count">Pieces of media under the key.</param>
/// <param name="FirstStep">The step of the first point.</param>
/// <param name="LastStep">The step of the last point.</param>
public sealed record MediaKey(string Key, MediaKind Kind, long Count, long FirstStep, long LastStep);

/// <summary>Where a piece of media belongs; its bytes are the body of the request.</summary>
/// <param name="Key">A relative path of 1–200 characters.</param>
/// <param name="Step">From 0.</param>
/// <param name="Caption">Up to 500 characters.</param>
/// <param name="Attempt">The job's attempt, from 1.</param>
/// <param name="Kind">What it is.</param>
public sealed record LogMediaRequest(string Key, MediaKind Kind, long Step, string? Caption = null, int? Attempt = null);
