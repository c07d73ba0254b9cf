using System.CommandLine;
using System.Text;
using AiPlatform.Contracts.Tasks;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip task log</c>: what a job's rank, or an attempt of a Python task, has written.</summary>
internal static class TaskLogCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var id = Parts.Task();
        var attempt = new Option<int?>("--attempt") { Description = Texts.Get("option.attempt") };
        var rank = new Option<int>("--rank") { Description = Texts.Get("option.rank") };
        var command = new Command("log", Texts.Get("log")) { id, attempt, rank };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var task = await context.Api.GetTaskAsync(parsed.GetRequiredValue(id), cancellationToken);
            await (task.Kind switch
            {
                TaskKinds.TrainingJob => ShowJobAsync(context, task.Id, parsed.GetValue(attempt), parsed.GetValue(rank), cancellationToken),
                TaskKinds.QueueTask => ShowTaskAsync(context, task, parsed.GetValue(attempt), cancellationToken),
                _ => throw new CliException(Texts.Get("log.none", task.Kind)),
            });
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task ShowJobAsync(CliContext context, string id, int? attempt, int rank, CancellationToken cancellationToken)
    {
        var job = await context.Api.GetJobAsync(id, cancellationToken);
        var (ranks, wanted) = (job.Spec.Resources.Nodes * job.Spec.Resources.ProcessesPerNode, attempt ?? job.Attempt);
        if (job.Attempt == 0)
        {
            throw new CliException(Texts.Get("log.notStarted"));
        }

        if (wanted < 1 || wanted > job.Attempt)
        {
            throw new CliException(Texts.Get("log.noAttempt", wanted, job.Attempt));
        }

        if (rank < 0 || rank >= ranks)
        {
            throw new CliException(Texts.Get("log.noRank", rank, ranks - 1));
        }


        // In parts, as the server gives them; a character may lie across two of them.
        var (decoder, bytes, text) = (Encoding.UTF8.GetDecoder(), new byte[64 * 1024], new char[64 * 1024]);
        long offset = 0, before;
        do
        {
            before = offset;
            await using var part = await context.Api.OpenLogAsync(id, wanted, rank, offset, cancellationToken);
            int count;
            while ((count = await part.ReadAsync(bytes, cancellationToken)) > 0)
            {
                offset += count;
                Write(context, new string(text, 0, decoder.GetChars(bytes, 0, count, text, 0)));
            }
        }
        while (offset > before);
    }

    private static async Task ShowTaskAsync(CliContext context, PlatformTask task, int? attempt, CancellationToken cancellationToken)
    {
        // /v1/queues/{project}/{pool}/tasks/{id}
        var link = task.Link.Split('/');
        var wanted = attempt ?? Math.Max((await context.Api.GetQueueTaskAsync(link[3], link[4], task.Id, cancellationToken)).Attempt, 1);
        Write(context, await context.Api.ReadTaskLogAsync(task.Id, wanted, cancellationToken));
    }

    private static void Write(CliContext context, string text) => context.Console.Profile.Out.Writer.Write(Parts.PlainLines(text));
}
