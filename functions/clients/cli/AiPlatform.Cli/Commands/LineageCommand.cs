using System.CommandLine;
using AiPlatform.Contracts.Lineage;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip dataset lineage</c>.</summary>
internal static class LineageCommand
{
    private const string Kind = "datasetVersion";
    private const int DefaultDepth = 10;

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var (dataset, version, json) = (Parts.Dataset(), Parts.Version(), Parts.Json());
        var depth = new Option<int>("--depth") { Description = Texts.Get("option.depth"), DefaultValueFactory = static _ => DefaultDepth };
        var command = new Command("lineage", Texts.Get("lineage")) { dataset, version, depth, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console);
            var row = await context.Api.GetDatasetVersionAsync(context.Project, parsed.GetRequiredValue(dataset), parsed.GetRequiredValue(version), cancellationToken);
            var graph = await context.Api.GetLineageAsync(Kind, row.Id, depth: parsed.GetValue(depth), cancellationToken: cancellationToken);
            if (parsed.GetValue(json))
            {
                Parts.WriteJson(console, graph);
                return ExitCodes.Success;
            }

            var listing = Listing.Titled(2, "relation", "source", "target");
            var edges = graph.Upstream.Concat(graph.Downstream).ToList();
            var nodes = edges.Select(static edge => edge.Source).Concat(edges.Select(static edge => edge.Target)).DistinctBy(static node => (node.Kind, node.Id));
            var shared = nodes.GroupBy(Show).Where(static same => same.Skip(1).Any()).Select(static same => same.Key).ToHashSet(StringComparer.Ordinal);
            foreach (var edge in edges)
            {
                listing.Add(Texts.Named("relation", edge.Relation), Tell(edge.Source), Tell(edge.Target));
            }

            // Things of one name are told apart.
            string Tell(LineageNode node) => shared.Contains(Show(node)) ? $"{Show(node)} {node.Id}" : Show(node);

            listing.Write(console);
            return ExitCodes.Success;
        });
        return command;
    }

    private static string Show(LineageNode node) => $"{Texts.Named("kind", node.Kind)} {node.Name}";
}
