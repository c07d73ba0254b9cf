using System.CommandLine;
using System.Globalization;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset list</c>.</summary>
internal static class DatasetListCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var json = Parts.Json();
        var command = new Command("list", Texts.Get("datasets")) { json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var datasets = await Parts.AllAsync(token => context.Api.ListDatasetsAsync(context.Project, null, token, cancellationToken));
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, datasets);
                return ExitCodes.Success;
            }

            var listing = Listing.Titled(1, "name", "version", "created", "description");
            foreach (var dataset in datasets)
            {
                listing.Add(dataset.Name, dataset.LatestVersion?.ToString(CultureInfo.CurrentCulture), Parts.Time(dataset.CreatedAt), dataset.Description);
            }

            listing.Write(console);
            return ExitCodes.Success;
        });
        return command;
    }
}
