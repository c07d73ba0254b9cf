using System.CommandLine;
using System.Globalization;
using AiPlatform.Contracts.Datasets;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset versions</c>.</summary>
internal static class VersionsCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, json) = (Parts.Dataset(), Parts.Json());
        var command = new Command("versions", Texts.Get("versions")) { dataset, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var versions = await Parts.AllAsync(token => context.Api.ListDatasetVersionsAsync(context.Project, parsed.GetRequiredValue(dataset), null, token, cancellationToken));
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, versions);
                return ExitCodes.Success;
            }

            var listing = Listing.Titled(1, "version", "status", "files", "size", "stored", "created", "description");
            foreach (var version in versions)
            {
                listing.Add(Cells(version));
            }

            listing.Write(console);
            return ExitCodes.Success;
        });
        return command;
    }

    private static string[] Cells(DatasetVersion version) =>
    [
        version.Version.ToString(CultureInfo.CurrentCulture), Texts.Named("state", version.Status.ToString()), version.FileCount.ToString(CultureInfo.CurrentCulture), Parts.Size(version.TotalSize),
        Parts.Size(version.StoredSize), Parts.Time(version.CreatedAt), version.Description ?? string.Empty,
    ];
}
