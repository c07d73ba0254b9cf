using System.Globalization;
using AiPlatform.Contracts.Lineage;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>What a thing came from and what came from it.</summary>
    /// <param name="kind">As in <see cref="LineageNode.Kind"/>.</param>
    /// <param name="id">The thing's id.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <param name="depth">Steps in each direction, 1 to 100.</param>
    /// <param name="at">The graph as it was then; now when absent.</param>
    public Task<LineageGraph> GetLineageAsync(string kind, string id, CancellationToken cancellationToken, int depth = 1, DateTimeOffset? at = null)
        => GetAsync<LineageGraph>(
            string.Create(CultureInfo.InvariantCulture, $"v1/lineage/{Escape(kind)}/{Escape(id)}?depth={depth}{(at is { } time ? $"&at={Escape(time.ToString("O", CultureInfo.InvariantCulture))}" : "")}"),
            cancellationToken);

    /// <summary>What used a thing, directly or through others.</summary>
    public Task<LineageReach> GetImpactAsync(string kind, string id, CancellationToken cancellationToken)
        => GetAsync<LineageReach>($"v1/lineage/{Escape(kind)}/{Escape(id)}/impact", cancellationToken);

    /// <summary>What went into a thing, directly or through others.</summary>
    public Task<LineageReach> GetRootCausesAsync(string kind, string id, CancellationToken cancellationToken)
        => GetAsync<LineageReach>($"v1/lineage/{Escape(kind)}/{Escape(id)}/root-causes", cancellationToken);

    /// <summary>Sends OpenLineage events about the runs of a project to a URL.</summary>
    public Task<LineageReceiver> CreateLineageReceiverAsync(string project, CreateLineageReceiverRequest request, CancellationToken cancellationToken)
        => PostAsync<LineageReceiver>($"v1/projects/{Escape(project)}/lineage-receivers", request, cancellationToken);
}
