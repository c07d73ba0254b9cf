namespace AiPlatform.Cli;

/// <summary>The command was given something that it cannot work with; the message says what to do.</summary>
internal sealed class CliException(string message) : Exception(message);
