namespace AiPlatform.Contracts.Experiments;

/// <summary>The notes of a run.</summary>
/// <param name="Text">Markdown; empty when there are none.</param>
/// <param name="Version">Counts the changes, from 1; 0 when nobody has written any here.</param>
/// <param name="AuthorId">Who wrote this version; null when an MLflow client did.</param>
/// <param name="AuthorName">The name of the account that wrote it; null while there is none.</param>
/// <param name="At">When it was written; null while there is none.</param>
public sealed record RunNote(string Text, long Version, string? AuthorId, string? AuthorName, DateTimeOffset? At);

/// <summary>Replaces the notes of a run.</summary>
/// <example>{"text": "The loss **jumps** at step 100: the data changes there.\n"}</example>
/// <param name="Text">Markdown, up to 100,000 characters. It is kept as it is: whoever renders it must not trust it.</param>
public sealed record WriteNoteRequest(string Text);
