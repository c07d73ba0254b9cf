using System.CommandLine;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset download</c>.</summary>
internal static class DownloadCommand
{
    private const string StandardOutput = "-";

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, version) = (Parts.Dataset(), Parts.Version());
        var folder = new Argument<string>("folder") { Description = Texts.Get("argument.folder"), DefaultValueFactory = static _ => "." };
        var format = new Option<string?>("--as") { Description = Texts.Get("option.as") };
        format.AcceptOnlyFromAmong("zip", "tar");
        var command = new Command("download", Texts.Get("download")) { dataset, version, folder, format };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var (name, number, target) = (parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(version), Path.GetFullPath(parsed.GetRequiredValue(folder)));
            if (parsed.GetValue(format) is { } streamed && parsed.GetRequiredValue(folder) == StandardOutput)
            {
                await using var read = await context.Api.OpenDatasetArchiveAsync(context.Project, name, number, streamed, null, cancellationToken);
                await using var output = Console.OpenStandardOutput();
                await read.CopyToAsync(output, cancellationToken);
                return ExitCodes.Success;
            }

            Directory.CreateDirectory(target);
            if (parsed.GetValue(format) is { } archive)
            {
                var file = Path.Combine(target, $"{name}-{number}.{archive}");
                await using var source = await context.Api.OpenDatasetArchiveAsync(context.Project, name, number, archive, null, cancellationToken);
                await using var written = File.Create(file);
                await source.CopyToAsync(written, cancellationToken);
                Parts.Say(console, Texts.Get("download.archive", file));
                return ExitCodes.Success;
            }

            var total = (await context.Api.GetDatasetVersionAsync(context.Project, name, number, cancellationToken)).TotalSize;
            var files = await TransferBar.RunAsync(common.Errors, bar => context.Downloader.DownloadAsync(
                context.Project, name, number, target, new Progress(bar, total), cancellationToken));
            Parts.Say(console, Texts.Get("download.done", Texts.Count("count.files", files), target));
            return ExitCodes.Success;
        });
        return command;
    }

    private sealed class Progress(TransferBar bar, long total) : IProgress<long>
    {
        public void Report(long value) => bar.Set(Texts.Get("download.running"), value, total);
    }
}
