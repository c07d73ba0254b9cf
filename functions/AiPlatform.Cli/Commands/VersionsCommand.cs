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
        var dataset = Parts.Dataset();
        var command = new Command("versions", Texts.Get("versions")) { dataset };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var table = Parts.TitledTable(1, "version", "status", "files", "size", "stored", "created", "description");
            string? token = null;
            do
            {
                var page = await context.Api.ListDatasetVersionsAsync(context.Project, parsed.GetRequiredValue(dataset), null, token, cancellationToken);
                foreach (var version in page.Items)
                {
                    table.AddRow([.. Cells(version).Select(Parts.Cell)]);
                }

                token = page.NextPageToken;
            }
            while (token is not null);

            console.Write(table);
            return 0;
        });
        return command;
    }

    private static string[] Cells(DatasetVersion version) =>
    [
        version.Version.ToString(CultureInfo.CurrentCulture), version.Status.ToString(), version.FileCount.ToString(CultureInfo.CurrentCulture), Parts.Size(version.TotalSize),
        Parts.Size(version.StoredSize), version.CreatedAt.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture), version.Description ?? string.Empty,
    ];
}
