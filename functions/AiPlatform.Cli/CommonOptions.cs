using System.CommandLine;

namespace AiPlatform.Cli;

/// <summary>Options of every command.</summary>
internal sealed class CommonOptions
{
    public Option<string?> Url { get; } = new("--url") { Description = Texts.Get("option.url"), Recursive = true };

    public Option<string?> Project { get; } = new("--project", "-p") { Description = Texts.Get("option.project"), Recursive = true };
}
