using AiPlatform.MLflow.Tracking;
using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Search.Index;
using Dapper;

namespace AiPlatform.MLflow.Registry;

/// <summary>A row of <c>models</c> as MLflow clients see it.</summary>
internal sealed class RegisteredModelRow
{
    public const string Columns = "m.id, m.name, m.description, m.tags::text AS tags, m.created_at, m.updated_at";

    public required string Id { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public required string Tags { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A row of <c>model_versions</c> as MLflow clients see it.</summary>
internal sealed class VersionRow
{
    public const string Select = """
        SELECT v.id, v.model_id, m.name, v.version, v.description, v.stage, v.tags::text AS tags, v.run_id, v.foreign_run_id, v.run_link, v.logged_model_id, v.created_at, v.updated_at,
               coalesce(v.source, 'mlflow-artifacts:/' || e.mlflow_id || '/' || v.run_id || '/artifacts/' || v.artifact_path) AS source, v.storage_location,
               (SELECT array_agg(a.alias ORDER BY a.alias) FROM model_aliases a WHERE a.model_id = v.model_id AND a.version = v.version) AS aliases, u.user_name
        FROM model_versions v JOIN models m ON m.id = v.model_id LEFT JOIN runs r ON r.id = v.run_id LEFT JOIN experiments e ON e.id = r.experiment_id
        LEFT JOIN users u ON u.id = v.created_by
        """;

    public required string Id { get; init; }

    public required string ModelId { get; init; }

    public required string Name { get; init; }

    public int Version { get; init; }

    public string? Description { get; init; }

    public required string Stage { get; init; }

    public required string Tags { get; init; }

    public string? RunId { get; init; }

    /// <summary>A run that is not known here: the registry stands apart from the tracking server, or the version was copied between servers.</summary>
    public string? ForeignRunId { get; init; }

    public string? RunLink { get; init; }

    public string? LoggedModelId { get; init; }

    public string? Source { get; init; }

    /// <summary>Where the files are when the source is another version or a logged model.</summary>
    public string? StorageLocation { get; init; }

    public string[]? Aliases { get; init; }

    public string? UserName { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>Registered models and versions, by the names that MLflow clients use.</summary>
internal sealed class RegistryStore(Database database)
{
    /// <summary>A live model of the project.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<RegisteredModelRow> RequireAsync(string projectId, string name, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<RegisteredModelRow>(new CommandDefinition(
                $"SELECT {RegisteredModelRow.Columns} FROM models m WHERE m.project_id = @projectId AND m.name = @name AND m.deleted_at IS NULL",
                new { projectId, name },
                cancellationToken: cancellationToken))
            ?? throw MLflowException.Missing($"Registered Model with name={name} not found");
    }

    /// <summary>A live version of a model of the project.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST, or INVALID_PARAMETER_VALUE for a version that is no number.</exception>
    public async Task<VersionRow> RequireVersionAsync(string projectId, string name, string version, CancellationToken cancellationToken)
    {
        if (!int.TryParse(version, out var number))
        {
            throw MLflowException.Invalid($"Model version must be an integer, got '{version}'");
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<VersionRow>(new CommandDefinition(
                $"{VersionRow.Select} WHERE v.project_id = @projectId AND m.name = @name AND m.deleted_at IS NULL AND v.version = @number AND v.deleted_at IS NULL",
                new { projectId, name, number },
                cancellationToken: cancellationToken))
            ?? throw MLflowException.Missing($"Model Version (name={name}, version={version}) not found");
    }

    /// <summary>The newest version of each stage, of several models.</summary>
    public async Task<ILookup<string, VersionRow>> LatestAsync(string[] models, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<VersionRow>(new CommandDefinition(
            $"""
            {VersionRow.Select} WHERE v.id IN (
                SELECT DISTINCT ON (model_id, stage) id FROM model_versions WHERE model_id = ANY(@models) AND deleted_at IS NULL ORDER BY model_id, stage, version DESC)
            ORDER BY v.model_id, v.version
            """,
            new { models },
            cancellationToken: cancellationToken))).ToLookup(row => row.ModelId, StringComparer.Ordinal);
    }

    /// <summary>Aliases of several models.</summary>
    public async Task<ILookup<string, (string Alias, int Version)>> AliasesAsync(string[] models, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<(string Model, string Alias, int Version)>(new CommandDefinition(
            "SELECT model_id, alias, version FROM model_aliases WHERE model_id = ANY(@models) ORDER BY alias", new { models }, cancellationToken: cancellationToken)))
            .ToLookup(row => row.Model, row => (row.Alias, row.Version), StringComparer.Ordinal);
    }

    /// <summary>Writes models as clients read them.</summary>
    public async Task<Action<Utf8JsonWriter, RegisteredModelRow>> WriterAsync(IEnumerable<RegisteredModelRow> models, CancellationToken cancellationToken)
    {
        var ids = models.Select(model => model.Id).ToArray();
        var latest = await LatestAsync(ids, cancellationToken);
        var aliases = await AliasesAsync(ids, cancellationToken);
        return (json, model) =>
        {
            json.WriteStartObject();
            json.WriteString("name"u8, model.Name);
            json.WriteNumber("creation_timestamp"u8, model.CreatedAt.ToUnixTimeMilliseconds());
            json.WriteNumber("last_updated_timestamp"u8, model.UpdatedAt.ToUnixTimeMilliseconds());
            MLflowJson.Optional(json, "description"u8, model.Description);
            json.WriteStartArray("latest_versions"u8);
            foreach (var version in latest[model.Id])
            {
                Write(json, version);
            }

            json.WriteEndArray();
            RunJson.Pairs(json, "tags", JsonTags.Read(model.Tags));
            json.WriteStartArray("aliases"u8);
            foreach (var (alias, version) in aliases[model.Id])
            {
                json.WriteStartObject();
                json.WriteString("alias"u8, alias);
                json.WriteString("version"u8, $"{version}");
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        };
    }

    /// <summary>Writes a version as clients read it.</summary>
    public static void Write(Utf8JsonWriter json, VersionRow version)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, version.Name);
        json.WriteString("version"u8, $"{version.Version}");
        json.WriteNumber("creation_timestamp"u8, version.CreatedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("last_updated_timestamp"u8, version.UpdatedAt.ToUnixTimeMilliseconds());
        MLflowJson.Optional(json, "user_id"u8, version.UserName);
        json.WriteString("current_stage"u8, version.Stage);
        MLflowJson.Optional(json, "description"u8, version.Description);
        MLflowJson.Optional(json, "source"u8, version.Source);
        MLflowJson.Optional(json, "run_id"u8, version.RunId ?? version.ForeignRunId);
        json.WriteString("status"u8, "READY"u8);
        MLflowJson.Optional(json, "run_link"u8, version.RunLink);
        MLflowJson.Optional(json, "model_id"u8, version.LoggedModelId);
        RunJson.Pairs(json, "tags", JsonTags.Read(version.Tags));
        json.WriteStartArray("aliases"u8);
        foreach (var alias in version.Aliases ?? [])
        {
            json.WriteStringValue(alias);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
