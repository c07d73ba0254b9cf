using System.CommandLine;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip project list</c>: those that the user reaches.</summary>
internal static class ProjectListCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var json = Parts.Json();
        var command = new Command("list", Texts.Get("projects")) { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var projects = await Parts.AllAsync(token => context.Api.ListProjectsAsync(null, token, cancellationToken));
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, projects);
                return ExitCodes.Success;
            }

            var listing = Listing.Titled(1, "name", "created", "description");
            foreach (var project in projects)
            {
                listing.Add(project.Name, Parts.Time(project.CreatedAt), project.Description);
            }

            listing.Write(console);
            return ExitCodes.Success;
        });
        return command;
    }
}
