using System.CommandLine;
using AiPlatform.Contracts.Projects;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip project create</c>.</summary>
internal static class ProjectCreateCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var name = new Argument<string>("name") { Description = Texts.Get("argument.project") };
        var description = Parts.Description();
        var command = new Command("create", Texts.Get("projectCreate")) { name, description };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var project = await context.Api.CreateProjectAsync(new CreateProjectRequest(parsed.GetRequiredValue(name), parsed.GetValue(description)), cancellationToken);
            Parts.Say(console, Texts.Get("projectCreate.done", project.Name));
            return ExitCodes.Success;
        });
        return command;
    }
}
