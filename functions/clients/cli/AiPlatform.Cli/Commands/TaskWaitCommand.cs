using System.CommandLine;
using AiPlatform.Contracts.Queues;
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
            var begun = await UntilBegunAsync(context, first, common.Errors, cancellationToken);
            var task = begun.EndedAt is null ? await TransferBar.RunStepsAsync(common.Errors, bar => FollowAsync(context, begun, bar, cancellationToken)) : begun;
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, task);
            }
            else
            {
                // A reason such as “cancelled” of what was cancelled says it again.
                var (state, reason) = (Texts.Named("state", task.State.ToString()), task.Reason);
                var told = reason is null || reason.Equals(task.State.ToString(), StringComparison.OrdinalIgnoreCase) || reason == state;
                Parts.Say(console, told ? $"{task.Name}: {state}" : $"{task.Name}: {state}: {Parts.PlainLines(reason!)}");
            }

            return task.State == TaskState.Succeeded ? ExitCodes.Success : ExitCodes.BadVerdict;
        });
        return command;
    }

    // What holds it up is said when it becomes something else: it may be something that the owner can mend.
    private static async Task<PlatformTask> UntilBegunAsync(CliContext context, PlatformTask task, IAnsiConsole errors, CancellationToken cancellationToken)
    {
        WaitReason? said = null;
        while (task is { StartedAt: null, EndedAt: null })
        {
            await Task.Delay(Interval, cancellationToken);
            task = await context.Api.GetTaskAsync(task.Id, cancellationToken);
            if (task is { StartedAt: null, EndedAt: null } && await context.Api.ExplainTaskWaitAsync(task.Id, cancellationToken) is var why && why.Reason != said)
            {
                said = why.Reason;
                Parts.Say(errors, why.Text);
            }
        }

        return task;
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
