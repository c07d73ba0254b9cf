using System.CommandLine;
using AiPlatform.Cli.Commands;
using AiPlatform.Client;
using Spectre.Console;

namespace AiPlatform.Cli;

/// <summary>The command line <c>aip</c>.</summary>
internal static class AipCommand
{
    /// <summary>Runs one command.</summary>
    /// <param name="args">As the shell gave them.</param>
    /// <param name="console">Where answers go.</param>
    /// <param name="errors">Where everything else goes: what reads the answers, a shell's <c>eval</c> above all, must not take it for one.</param>
    /// <param name="cancellationToken">Interrupts the command.</param>
    /// <returns>0 when it succeeded, 1 when it did not, 130 when it was interrupted.</returns>
    public static async Task<int> RunAsync(string[] args, IAnsiConsole console, IAnsiConsole errors, CancellationToken cancellationToken)
    {
        try
        {
            var parsed = Build(console).Parse(args);
            var invocation = new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
                Error = errors.Profile.Out.Writer,

                // The help that follows a wrong argument is no answer either.
                Output = (parsed.Errors.Count > 0 ? errors : console).Profile.Out.Writer,
            };
            return await parsed.InvokeAsync(invocation, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            errors.WriteLine(Texts.Get("error.interrupted"));
            return 130;
        }
        catch (Exception exception) when (exception is CliException or ApiException or Client.Datasets.StorageException or FileNotFoundException or InvalidDataException or System.Text.Json.JsonException)
        {
            errors.MarkupLineInterpolated($"[red]{exception.Message}[/]");
            return 1;
        }
        catch (HttpRequestException exception)
        {
            errors.MarkupLineInterpolated($"[red]{Texts.Get("error.unreachable", exception.Message)}[/]");
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
