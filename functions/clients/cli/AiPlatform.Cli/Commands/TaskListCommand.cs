using System.CommandLine;
using AiPlatform.Contracts.Tasks;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip task list</c>: jobs, imports, reports and tasks of queues, the newest first.</summary>
internal static class TaskListCommand
{
    private const int DefaultLimit = 20;
    private const int PageSize = 100;

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var json = Parts.Json();
        var limit = new Option<int>("--limit") { Description = Texts.Get("option.limit"), DefaultValueFactory = static _ => DefaultLimit };
        limit.Validators.Add(static result =>
        {
            if (result.Tokens.Count == 1 && result.GetValueOrDefault<int>() < 1)
            {
                result.AddError(result.Tokens[0].Value);
            }
        });
        var command = new Command("list", Texts.Get("tasks")) { limit, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var tasks = await ReadAsync(context, parsed.GetValue(limit), cancellationToken);
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, tasks);
                return ExitCodes.Success;
            }

            var listing = Listing.Titled(1, "id", "kind", "status", "created", "name");
            tasks.ForEach(task => listing.Add(task.Id, Texts.Named("kind", task.Kind), Texts.Named("state", task.State.ToString()), Parts.Time(task.CreatedAt), task.Name));
            listing.Write(console);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<List<PlatformTask>> ReadAsync(CliContext context, int limit, CancellationToken cancellationToken)
    {
        var tasks = new List<PlatformTask>();
        string? token = null;
        do
        {
            var page = await context.Api.ListTasksAsync(context.ProjectOrNull, kind: null, Math.Clamp(limit - tasks.Count, 1, PageSize), token, cancellationToken);
            tasks.AddRange(page.Items);
            token = page.NextPageToken;
        }
        while (token is not null && tasks.Count < limit);

        return tasks;
    }
}
