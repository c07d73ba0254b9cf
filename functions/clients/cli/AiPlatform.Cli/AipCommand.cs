using System.CommandLine;
using System.Globalization;
using AiPlatform.Cli.Commands;
using AiPlatform.Client;
using AiPlatform.Contracts;
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
    /// <returns>One of <see cref="ExitCodes"/>.</returns>
    public static async Task<int> RunAsync(string[] args, IAnsiConsole console, IAnsiConsole errors, CancellationToken cancellationToken)
    {
        ParseResult? parsed = null;
        try
        {
            // The parser speaks the language of the rest.
            CultureInfo.CurrentUICulture = Texts.Culture;
            parsed = Build(console, errors).Parse(args);
            if (Arguments.Problems(parsed) is { Count: > 0 } problems)
            {
                problems.ToList().ForEach(problem => Parts.Say(errors, problem));
                return ExitCodes.Failure;
            }

            var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null, Error = errors.Profile.Out.Writer };
            if (!Arguments.AsksForHelp(parsed))
            {
                invocation.Output = console.Profile.Out.Writer;
                return await parsed.InvokeAsync(invocation, cancellationToken);
            }

            await using var help = new StringWriter();
            invocation.Output = help;
            var code = await parsed.InvokeAsync(invocation, cancellationToken);
            console.Profile.Out.Writer.Write(Arguments.Help(help.ToString()));
            return code;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Parts.Say(errors, Texts.Get("error.interrupted"));
            return ExitCodes.Interrupted;
        }
        catch (Exception exception) when (Explain(exception, parsed) is { } reason)
        {
            Parts.Say(errors, reason, Color.Red);
            return ExitCodes.Failure;
        }
    }

    // What users can do something about; anything else is a fault of the program, with its stack.
    private static string? Explain(Exception exception, ParseResult? parsed) => exception switch
    {
        HttpRequestException => Texts.Get("error.unreachable", exception.Message.TrimEnd('.', ' ')),
        FileNotFoundException { FileName: { } name } => Texts.Get("error.noFile", name),
        IOException or UnauthorizedAccessException => Texts.Get("error.file", exception.Message),
        ApiException { Code: ErrorCodes.InvalidRequest, Problem.Errors: { Count: > 0 } fields } refused
            => $"{(int)refused.Status} {refused.Code}: {string.Join(' ', fields.SelectMany(field => field.Value.Select(text => Arguments.Named(field.Key, parsed) + text)))}",
        CliException or ApiException or Client.Datasets.StorageException or InvalidDataException or System.Text.Json.JsonException => exception.Message,
        _ => null,
    };

    private static RootCommand Build(IAnsiConsole console, IAnsiConsole errors)
    {
        var common = new CommonOptions(errors);
        var root = new RootCommand(Texts.Get("description")) { common.Url, common.Project };
        root.Subcommands.Add(LoginCommand.Create(common, console));
        root.Subcommands.Add(EnvCommand.Create(common, console));
        root.Subcommands.Add(new Command("project", Texts.Get("project")) { ProjectListCommand.Create(common, console), ProjectCreateCommand.Create(common, console) });
        var dataset = new Command("dataset", Texts.Get("dataset"));
        dataset.Subcommands.Add(DatasetListCommand.Create(common, console));
        dataset.Subcommands.Add(CreateCommand.Create(common, console));
        dataset.Subcommands.Add(UploadCommand.Create(common, console));
        dataset.Subcommands.Add(ImportCommand.Create(common, console));
        dataset.Subcommands.Add(VersionsCommand.Create(common, console));
        dataset.Subcommands.Add(DiffCommand.Create(common, console));
        dataset.Subcommands.Add(RowDiffCommand.Create(common, console));
        dataset.Subcommands.Add(PreviewCommand.Create(common, console));
        dataset.Subcommands.Add(ReportCommand.Create(common, console));
        dataset.Subcommands.Add(DownloadCommand.Create(common, console));
        dataset.Subcommands.Add(DeleteCommand.Create(common, console));
        dataset.Subcommands.Add(RestoreCommand.Create(common, console));
        dataset.Subcommands.Add(LineageCommand.Create(common, console));
        root.Subcommands.Add(dataset);
        var task = new Command("task", Texts.Get("task"));
        task.Subcommands.Add(TaskListCommand.Create(common, console));
        task.Subcommands.Add(TaskWaitCommand.Create(common, console));
        task.Subcommands.Add(TaskLogCommand.Create(common, console));
        task.Subcommands.Add(TaskCancelCommand.Create(common, console));
        root.Subcommands.Add(task);
        return root;
    }
}
