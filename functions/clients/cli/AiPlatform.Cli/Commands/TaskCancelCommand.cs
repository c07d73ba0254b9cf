using System.CommandLine;
using AiPlatform.Contracts.Queues;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip task cancel</c>: asks a long operation of any kind to end; <c>aip task wait</c> tells when it has.</summary>
internal static class TaskCancelCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var id = Parts.Task();
        var tree = new Option<bool>("--tree") { Description = Texts.Get("option.tree") };
        var command = new Command("cancel", Texts.Get("cancel")) { id, tree };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var reached = await context.Api.CancelTaskAsync(parsed.GetRequiredValue(id), new CancelTaskRequest(Tree: parsed.GetValue(tree)), cancellationToken);
            Parts.Say(console, Texts.Get(reached.Cancelled + reached.Stopping == 0 ? "cancel.ended" : "cancel.done", reached.Cancelled, reached.Stopping));
            return ExitCodes.Success;
        });
        return command;
    }
}
