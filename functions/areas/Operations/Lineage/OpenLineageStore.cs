using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Identity;
using AiPlatform.Ports.Operations;
using AiPlatform.Ports.Tracking;
using Dapper;
using Microsoft.Extensions.Options;

namespace AiPlatform.Operations.Lineage;

/// <summary>
/// Stores events of other tools and turns them into edges: inputs to the run (or to the job, where no run is named), from it to the outputs,
/// and from a parent run. Datasets are found by namespace and name; in the platform's own namespace they are versions of its datasets.
/// </summary>
internal sealed class OpenLineageStore(
    Database database, LineageWriter writer, IProjects projects, IDatasetVersions versions, IOptions<LineageOptions> options, TimeProvider time)
{
    /// <summary>Stores events in one transaction; repeats of what is there change nothing.</summary>
    public Task StoreAsync(string projectId, IReadOnlyList<OpenLineageEvent> events, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var project = await projects.NameAsync(work, projectId);
                await InsertAsync(work, projectId, events);
                foreach (var lineage in events)
                {
                    await LinkAsync(work, projectId, $"{options.Value.Namespace}/{project}", lineage);
                }
            },
            cancellationToken);

    /// <summary>One more event of a project than asked for, newest first.</summary>
    public async Task<IReadOnlyList<OpenLineageRow>> ListAsync(string projectId, string? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<OpenLineageRow>(new CommandDefinition(
            """
            SELECT id, event_type, event_at, job_namespace, job_name, run_id, body::text AS body, received_at FROM openlineage_events
            WHERE project_id = @projectId AND (@before::text IS NULL OR id < @before) ORDER BY id DESC LIMIT @limit
            """,
            new { projectId, before, limit = size + 1 },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>One more thing of other tools than asked for, by id; each condition that is not null must hold.</summary>
    public async Task<IReadOnlyList<ExternalRow>> FindAsync(
        string projectId, string? kind, string? space, string? name, string? after, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        // Conditions are written out, so that each question has a plan of its own.
        var conditions = (kind is null ? "" : " AND kind = @kind") + (space is null ? "" : " AND namespace = @space") + (name is null ? "" : " AND name = @name")
            + (after is null ? "" : " AND id > @after");
        return (await connection.QueryAsync<ExternalRow>(new CommandDefinition(
            $"SELECT id, kind, namespace AS space, name, version, facets::text AS facets, created_at FROM lineage_external WHERE project_id = @projectId{conditions} ORDER BY id LIMIT @limit",
            new { projectId, kind, space, name, after, limit = size + 1 },
            cancellationToken: cancellationToken))).AsList();
    }

    private Task<int> InsertAsync(UnitOfWork work, string projectId, IReadOnlyList<OpenLineageEvent> events)
        => work.ExecuteAsync(
            """
            INSERT INTO openlineage_events (id, project_id, digest, event_type, event_at, job_namespace, job_name, run_id, body, received_at)
            SELECT u.id, @projectId, u.digest, u.type, u.at, u.namespace, u.name, u.run, u.body::jsonb, @now
            FROM unnest(@ids, @digests, @types, @times, @namespaces, @names, @runs, @bodies) AS u (id, digest, type, at, namespace, name, run, body)
            ON CONFLICT (project_id, digest) DO NOTHING
            """,
            new
            {
                projectId,
                now = time.GetUtcNow(),
                ids = events.Select(_ => Ids.New(time)).ToArray(),
                digests = events.Select(static item => SHA256.HashData(Encoding.UTF8.GetBytes(item.Body.GetRawText()))).ToArray(),
                types = events.Select(static item => item.EventType).ToArray(),
                times = events.Select(static item => item.At.UtcDateTime).ToArray(),
                namespaces = events.Select(static item => item.Job?.Namespace).ToArray(),
                names = events.Select(static item => item.Job?.Name).ToArray(),
                runs = events.Select(static item => item.RunId?.ToString()).ToArray(),
                bodies = events.Select(static item => item.Body.GetRawText()).ToArray(),
            });

    private async Task LinkAsync(UnitOfWork work, string projectId, string ownNamespace, OpenLineageEvent lineage)
    {
        // An edge is never from the future: what another clock says is bounded by ours.
        var now = time.GetUtcNow();
        var at = lineage.At < now ? lineage.At : now;
        if (lineage.Dataset is { } single)
        {
            await DatasetsAsync(work, projectId, ownNamespace, [single], at);
            return;
        }

        var job = lineage.Job!.Value;
        var centre = lineage.RunId is { } run
            ? await RunAsync(work, projectId, run, job)
            : (await writer.ExternalAsync(work, projectId, LineageEnd.ExternalJobKind, [new ExternalName(job.Namespace, job.Name)]))[0];
        var inputs = await DatasetsAsync(work, projectId, ownNamespace, lineage.Inputs, at);
        var outputs = await DatasetsAsync(work, projectId, ownNamespace, lineage.Outputs, at);
        List<LineageStep> steps =
        [
            .. inputs.Select(end => new LineageStep(end, centre, "input")), .. outputs.Select(end => new LineageStep(centre, end, "produced")),
        ];
        if (lineage.Parent is { } parent)
        {
            steps.Add(new LineageStep(await RunAsync(work, projectId, parent.RunId, parent.Job), centre, "parent"));
        }

        await writer.AddAsync(work, projectId, steps, at);
    }

    // A run of the platform tells others its id; what they send back about it belongs to it.
    private async Task<LineageEnd> RunAsync(UnitOfWork work, string projectId, Guid run, OpenLineageName job)
        => await work.FindAsync<string>(
                $"SELECT r.id FROM {TrackingRelations.Runs} r WHERE r.id = @id AND r.project_id = @projectId", new { id = run.ToString("N"), projectId }) is { } own
            ? LineageEnd.Run(own)
            : (await writer.ExternalAsync(work, projectId, LineageEnd.ExternalRunKind, [new ExternalName(job.Namespace, job.Name, run.ToString())]))[0];

    private async Task<IReadOnlyList<LineageEnd>> DatasetsAsync(
        UnitOfWork work, string projectId, string ownNamespace, IReadOnlyList<OpenLineageDataset> datasets, DateTimeOffset at)
    {
        var named = datasets.Where(dataset => dataset.Name.Namespace == ownNamespace).ToList();
        var found = await versions.FindReadyAsync(work, projectId, named.ConvertAll(NameOf));
        var ends = found.OfType<string>().Select(LineageEnd.DatasetVersion).ToList();
        List<OpenLineageDataset> foreign =
        [
            .. datasets.Where(dataset => dataset.Name.Namespace != ownNamespace), .. named.Where((_, i) => found[i] is null),
        ];
        var external = await writer.ExternalAsync(
            work, projectId, LineageEnd.ExternalDatasetKind, foreign.ConvertAll(static dataset => new ExternalName(dataset.Name.Namespace, dataset.Name.Name)));
        ends.AddRange(external);
        await SaveFacetsAsync(work, [.. foreign.Select((dataset, i) => (dataset, external[i])).Where(static pair => pair.dataset.Facets is not null)], at);
        return ends;
    }

    private static DatasetVersionName NameOf(OpenLineageDataset dataset)
        => new(dataset.Name.Name, int.TryParse(dataset.Version, CultureInfo.InvariantCulture, out var number) ? number : null);

    // Facets are merged by name; those of an older event never replace newer ones.
    private static async Task SaveFacetsAsync(UnitOfWork work, IReadOnlyList<(OpenLineageDataset Dataset, LineageEnd End)> datasets, DateTimeOffset at)
    {
        foreach (var (dataset, end) in datasets.OrderBy(static pair => pair.End.Id, StringComparer.Ordinal))
        {
            await work.ExecuteAsync(
                """
                UPDATE lineage_external SET facets = CASE WHEN facets_at > @at THEN @facets::jsonb || facets ELSE facets || @facets::jsonb END, facets_at = greatest(facets_at, @at)
                WHERE id = @id
                """,
                new { id = end.Id, facets = dataset.Facets!.Value.GetRawText(), at });
        }
    }
}

/// <summary>A row of <c>openlineage_events</c>.</summary>
internal sealed class OpenLineageRow
{
    public required string Id { get; init; }

    public string? EventType { get; init; }

    public DateTimeOffset EventAt { get; init; }

    public string? JobNamespace { get; init; }

    public string? JobName { get; init; }

    public string? RunId { get; init; }

    public required string Body { get; init; }

    public DateTimeOffset ReceivedAt { get; init; }

    /// <summary>As the API shows it.</summary>
    public OpenLineageEventRecord ToContract()
        => new(Id, EventType, EventAt, JobName is null ? null : $"{JobNamespace}/{JobName}", RunId, ReceivedAt, System.Text.Json.JsonElement.Parse(Body));
}

/// <summary>A row of <c>lineage_external</c>.</summary>
internal sealed class ExternalRow
{
    public required string Id { get; init; }

    public required string Kind { get; init; }

    public required string Space { get; init; }

    public required string Name { get; init; }

    public required string Version { get; init; }

    public required string Facets { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>As the API shows it.</summary>
    public ExternalThing ToContract() => new(Id, Kind, Space, Name, Version, System.Text.Json.JsonElement.Parse(Facets), CreatedAt);
}
