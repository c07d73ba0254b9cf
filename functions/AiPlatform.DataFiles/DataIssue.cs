namespace AiPlatform.DataFiles;

/// <summary>Something wrong with a file that reading could go on after.</summary>
/// <param name="Code">One of <see cref="DataErrors"/>.</param>
/// <param name="Line">The line, from 1; null where the format has no lines.</param>
/// <param name="Message">What is wrong, in English.</param>
/// <param name="File">The file's path; null while a single file is read.</param>
public sealed record DataIssue(string Code, long? Line, string Message, string? File = null);
