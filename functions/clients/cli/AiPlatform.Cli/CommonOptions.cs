using System.CommandLine;
using Spectre.Console;

namespace AiPlatform.Cli;

/// <summary>Options of every command.</summary>
/// <param name="errors">Where everything goes that is no answer: progress above all.</param>
internal sealed class CommonOptions(IAnsiConsole errors)
{
    /// <summary>Where everything goes that is no answer.</summary>
    public IAnsiConsole Errors { get; } = errors;

    public Option<string?> Url { get; } = new("--url") { Description = Texts.Get("option.url"), Recursive = true };

    public Option<string?> Project { get; } = new("--project", "-p") { Description = Texts.Get("option.project"), Recursive = true };
}
