using System.CommandLine;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset restore</c>.</summary>
internal static class RestoreCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, version) = (Parts.Dataset(), Parts.Version());
        var command = new Command("restore", Texts.Get("restore")) { dataset, version };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var number = parsed.GetRequiredValue(version);
            await context.Api.RestoreDatasetVersionAsync(context.Project, parsed.GetRequiredValue(dataset), number, cancellationToken);
            Parts.Say(console, Texts.Get("restore.done", number));
            return ExitCodes.Success;
        });
        return command;
    }
}
