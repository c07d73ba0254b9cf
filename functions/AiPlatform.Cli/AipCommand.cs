using System.CommandLine;
using AiPlatform.Cli.Commands;
using AiPlatform.Client;
using Spectre.Console;

namespace AiPlatform.Cli;

/// <summary>The command line <c>aip</c>.</summary>
internal static class AipCommand
{
    /// <summary>Runs one command.</summary>
    /// <returns>0 when it succeeded, 1 when it did not, 130 when it was interrupted.</returns>
    public static async Task<int> RunAsync(string[] args, IAnsiConsole console, CancellationToken cancellationToken)
    {
        try
        {
            return await Build(console).Parse(args).InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            console.WriteLine(Texts.Get("error.interrupted"));
            return 130;
        }
        catch (Exception exception) when (exception is CliException or ApiException or Client.Datasets.StorageException or FileNotFoundException or InvalidDataException or System.Text.Json.JsonException)
        {
            console.MarkupLineInterpolated($"[red]{exception.Message}[/]");
            return 1;
        }
        catch (HttpRequestException exception)
        {
            console.MarkupLineInterpolated($"[red]{Texts.Get("error.unreachable", exception.Message)}[/]");
            return 1;
        }
    }

    private static RootCommand Build(IAnsiConsole console)
    {
        var common = new CommonOptions();
        var root = new RootCommand(Texts.Get("description")) { common.Url, common.Project };
        root.Subcommands.Add(LoginCommand.Create(common, console));
        root.Subcommands.Add(EnvCommand.Create(common, console));
        var dataset = new Command("dataset", Texts.Get("dataset"));
        dataset.Subcommands.Add(CreateCommand.Create(common, console));
        dataset.Subcommands.Add(UploadCommand.Create(common, console));
        dataset.Subcommands.Add(ImportCommand.Create(common, console));
        dataset.Subcommands.Add(VersionsCommand.Create(common, console));
        dataset.Subcommands.Add(DiffCommand.Create(common, console));
        dataset.Subcommands.Add(PreviewCommand.Create(common, console));
        dataset.Subcommands.Add(ReportCommand.Create(common, console));
        dataset.Subcommands.Add(DownloadCommand.Create(common, console));
        dataset.Subcommands.Add(DeleteCommand.Create(common, console));
        dataset.Subcommands.Add(LineageCommand.Create(common, console));
        root.Subcommands.Add(dataset);
        return root;
    }
}
