using System.CommandLine;
using AiPlatform.Contracts.Datasets;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset create</c>.</summary>
internal static class CreateCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, description, tags) = (Parts.Dataset(), Parts.Description(), Parts.Tags());
        var command = new Command("create", Texts.Get("create")) { dataset, description, tags };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var created = await context.Api.CreateDatasetAsync(
                context.Project,
                new CreateDatasetRequest(parsed.GetRequiredValue(dataset), parsed.GetValue(description), Parts.ToTags(parsed.GetRequiredValue(tags))),
                cancellationToken);
            Parts.Say(console, Texts.Get("create.done", created.Name));
            return ExitCodes.Success;
        });
        return command;
    }
}
