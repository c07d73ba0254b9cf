using System.CommandLine;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset delete</c>.</summary>
internal static class DeleteCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, version) = (Parts.Dataset(), Parts.Version());
        var force = new Option<bool>("--force") { Description = Texts.Get("option.force") };
        var command = new Command("delete", Texts.Get("delete")) { dataset, version, force };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var number = parsed.GetRequiredValue(version);
            await context.Api.DeleteDatasetVersionAsync(context.Project, parsed.GetRequiredValue(dataset), number, parsed.GetValue(force), cancellationToken);
            Parts.Say(console, Texts.Get("delete.done", number));
            return ExitCodes.Success;
        });
        return command;
    }
}
