using System.CommandLine;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip env</c>: prints the login as shell variables, for curl, scripts and MLflow clients.</summary>
internal static class EnvCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var command = new Command("env", Texts.Get("env"));
        command.SetAction(parsed =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var api = context.Url.TrimEnd('/');
            var tracking = context.ProjectOrNull is { } project ? $"{api}/p/{Uri.EscapeDataString(project)}" : api;
            foreach (var (name, value) in new[] { ("API", api), ("TOKEN", context.Token!), ("MLFLOW_TRACKING_URI", tracking), ("MLFLOW_TRACKING_TOKEN", context.Token!) })
            {
                // To a terminal or a shell alike: neither wrapped nor coloured.
                console.Profile.Out.Writer.WriteLine($"export {name}={Quote(value)}");
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static string Quote(string value) => $"'{value.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
