using AiPlatform.TaskHub.Cli.Commands;
using Grpc.Core;

namespace AiPlatform.TaskHub.Cli;

/// <summary>Runs one command of <c>taskhub</c>. Exit codes: 0 done, 1 failed or a replay differs, 2 wrong use.</summary>
internal static class TaskHubCommand
{
    private const string Usage = """
        taskhub: look into a task hub, ours or the managed one.

          taskhub list [--status Failed,Running] [--prefix ID] [--name NAME] [--top 50]
          taskhub show ID
          taskhub history ID
          taskhub export ID [--out FILE]
          taskhub replay FILE|ID --assembly PATH
          taskhub stuck [--idle 01:00:00] [--top 50]
          taskhub parked --http ADDRESS [--hub NAME]
          taskhub resume ID
          taskhub purge ID [--recursive]
          taskhub purge --before TIME [--status Completed,Failed] [--recursive]
          taskhub entities [--prefix NAME@KEY] [--top 50]
          taskhub entity NAME KEY

        The hub: --connection "Endpoint=…;TaskHub=…;Authentication=…", or TASKHUB_CONNECTION in the environment.
        Lists have tab-separated columns; show, export and entity print JSON.
        """;

    private static readonly Dictionary<string, (Func<Session, Task<int>> Run, string[] Options)> Commands = new(StringComparer.Ordinal)
    {
        ["list"] = (InstanceCommands.ListAsync, ["status", "prefix", "name", "top"]),
        ["show"] = (InstanceCommands.ShowAsync, []),
        ["history"] = (HistoryCommands.ListAsync, []),
        ["export"] = (HistoryCommands.ExportAsync, ["out"]),
        ["replay"] = (HistoryCommands.ReplayAsync, ["assembly"]),
        ["stuck"] = (InstanceCommands.StuckAsync, ["idle", "top"]),
        ["parked"] = (ParkedCommands.ListAsync, ["http", "hub"]),
        ["resume"] = (ParkedCommands.ResumeAsync, []),
        ["purge"] = (InstanceCommands.PurgeAsync, ["before", "status", "recursive"]),
        ["entities"] = (EntityCommands.ListAsync, ["prefix", "top"]),
        ["entity"] = (EntityCommands.ShowAsync, []),
    };

    /// <summary>Runs the command.</summary>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        try
        {
            var arguments = new Arguments(args);
            if (arguments.Command == "help")
            {
                await output.WriteLineAsync(Usage);
                return 0;
            }

            if (!Commands.TryGetValue(arguments.Command, out var command))
            {
                throw new UsageException($"There is no command '{arguments.Command}'; taskhub --help lists them.");
            }

            if (arguments.OptionNames.FirstOrDefault(option => option != "connection" && !command.Options.Contains(option, StringComparer.Ordinal)) is { } unknown)
            {
                throw new UsageException($"{arguments.Command} has no option --{unknown}.");
            }

            await using var session = new Session(arguments, output, cancellationToken);
            return await command.Run(session);
        }
        catch (UsageException exception)
        {
            await errors.WriteLineAsync(exception.Message);
            return 2;
        }
        catch (Exception exception) when (exception is RpcException or KeyNotFoundException or InvalidOperationException or NotSupportedException or ArgumentException or IOException)
        {
            await errors.WriteLineAsync((exception as RpcException)?.Status.Detail ?? exception.Message);
            return 1;
        }
    }
}
