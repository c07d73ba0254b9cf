using System.CommandLine;
using AiPlatform.Contracts.Tasks;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip task wait</c>: follows a long operation of any kind and ends with its verdict; Ctrl-C leaves it running.</summary>
internal static class TaskWaitCommand
{
    private const int Percent = 100;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (id, json) = (Parts.Task(), Parts.Json());
        var command = new Command("wait", Texts.Get("wait")) { id, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var first = await context.Api.GetTaskAsync(parsed.GetRequiredValue(id), cancellationToken);
            var task = await TransferBar.RunAsync(common.Errors, bar => FollowAsync(context, first, bar, cancellationToken));
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, task);
            }
            else
            {
                Parts.Say(console, task.Reason is null ? $"{task.Name}: {task.State}" : $"{task.Name}: {task.State}: {Parts.PlainLines(task.Reason)}");
            }

            return task.State == TaskState.Succeeded ? ExitCodes.Success : ExitCodes.BadVerdict;
        });
        return command;
    }

    private static async Task<PlatformTask> FollowAsync(CliContext context, PlatformTask task, TransferBar bar, CancellationToken cancellationToken)
    {
        while (task.EndedAt is null)
        {
            bar.Set(Texts.Get("wait.running"), (long)((task.Progress ?? 0) * Percent), Percent);
            await Task.Delay(Interval, cancellationToken);
            task = await context.Api.GetTaskAsync(task.Id, cancellationToken);
        }

        return task;
    }
}
