using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using Dapper;

namespace AiPlatform.Registry.Models;

/// <summary>Registered models and versions, by the names that MLflow clients use.</summary>
internal sealed class RegistryReader(Database database)
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

    /// <summary>The number of the version that an alias names; null when there is none.</summary>
    public async Task<int?> FindAliasAsync(string modelId, string alias, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<int?>(new CommandDefinition(
            "SELECT version FROM model_aliases WHERE model_id = @modelId AND lower(alias) = lower(@alias)", new { modelId, alias }, cancellationToken: cancellationToken));
    }
}
