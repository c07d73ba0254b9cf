using System.CommandLine;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset upload</c>.</summary>
internal static class UploadCommand
{
    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, description, tags, parent, remove, into) = (Parts.Dataset(), Parts.Description(), Parts.Tags(), Parts.Parent(), Parts.Remove(), Parts.Into());
        var paths = new Argument<string[]>("paths") { Description = Texts.Get("argument.paths"), Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("upload", Texts.Get("upload")) { dataset, paths, parent, remove, into, description, tags };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var files = (parsed.GetValue(paths) ?? []).SelectMany(path => LocalFile.From(path, parsed.GetValue(into))).ToList();
            var removed = parsed.GetRequiredValue(remove);
            if (files.Count + removed.Length == 0)
            {
                throw new CliException(Texts.Get("upload.nothing"));
            }

            var settings = new UploadSettings
            {
                Description = parsed.GetValue(description),
                Parent = parsed.GetValue(parent),
                Remove = removed.Length == 0 ? null : removed,
                Tags = Parts.ToTags(parsed.GetRequiredValue(tags)),
            };
            var version = await TransferBar.RunAsync(common.Errors, bar => context.Uploader.UploadAsync(
                context.Project, parsed.GetRequiredValue(dataset), files, settings, new Progress(bar), cancellationToken));
            Show(console, version);
            if (version.Version > 1)
            {
                await ShowIfUnchangedAsync(context, parsed.GetRequiredValue(dataset), version.Version, cancellationToken);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task ShowIfUnchangedAsync(CliContext context, string dataset, int version, CancellationToken cancellationToken)
    {
        var diff = await context.Api.DiffDatasetVersionAsync(context.Project, dataset, version, null, 1, null, cancellationToken);
        if (diff.Summary is { Added: 0, Removed: 0, Changed: 0, Renamed: 0 })
        {
            Parts.Say(context.Console, Texts.Get("upload.unchanged", diff.From));
        }
    }

    /// <summary>Says what a new version holds and what it saved.</summary>
    public static void Show(IAnsiConsole console, DatasetVersion version)
        => Parts.Say(console, Texts.Get(
            "upload.done", version.Version, Texts.Count("count.files", version.FileCount), Parts.Size(version.TotalSize), Parts.Size(version.StoredSize), Parts.Size(version.SavedSize)));

    private sealed class Progress(TransferBar bar) : IProgress<UploadProgress>
    {
        public void Report(UploadProgress value)
        {
            if (value.Stage != UploadStage.Done)
            {
                bar.Set(Texts.Get($"upload.{value.Stage.ToString().ToLowerInvariant()}"), value.DoneBytes, value.TotalBytes);
            }
        }
    }
}
