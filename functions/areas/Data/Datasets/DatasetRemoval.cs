using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Texts;
using AiPlatform.Ports.Data;
using Npgsql;

namespace AiPlatform.Data.Datasets;

/// <summary>
/// Deletes datasets and versions, softly, and takes that back. What is in use is not deleted, unless an administrator insists.
/// The collector frees what was deleted long enough ago.
/// </summary>
internal sealed class DatasetRemoval(Database database, IEnumerable<DatasetUse> uses, TimeProvider time)
{
    private const int MaxNamed = 5;

    private readonly string _users =
        $"""
        SELECT kind, name FROM ({string.Join(" UNION ALL ", uses.Select(static use => $"SELECT {use.Rank} AS rank, '{use.Kind}' AS kind, u.id, u.name FROM ({use.Select}) u"))}) users
        ORDER BY rank, id LIMIT @limit
        """;

    /// <summary>Deletes a dataset with its versions. Repeating it changes nothing.</summary>
    /// <exception cref="ApiException">404; 409 <c>in_use</c> naming users.</exception>
    public Task DeleteDatasetAsync(string projectId, string dataset, bool force, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var id = await work.FindAsync<string>(
                        """
                        SELECT id FROM datasets
                        WHERE project_id = @projectId AND (id = @dataset OR (deleted_at IS NULL AND lower(name) = lower(@dataset))) FOR UPDATE
                        """,
                        new { projectId, dataset })
                    ?? throw ApiException.NotFound("dataset", dataset);
                var versions = await work.QueryAsync<string>("SELECT id FROM dataset_versions WHERE dataset_id = @id AND deleted_at IS NULL FOR UPDATE", new { id });
                await RequireUnusedAsync(work, dataset, versions, force);
                await work.ExecuteAsync(
                    "UPDATE datasets SET deleted_at = coalesce(deleted_at, @now), row_version = row_version + 1, updated_at = @now WHERE id = @id",
                    new { id, now = time.GetUtcNow() });
            },
            cancellationToken);

    /// <summary>Takes the deletion of a dataset back, of its versions that were not deleted by themselves.</summary>
    /// <exception cref="ApiException">404; 409 when the name was taken meanwhile; 410 when its files are freed already.</exception>
    public Task RestoreDatasetAsync(string projectId, string id, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                try
                {
                    var changed = await work.ExecuteAsync(
                        "UPDATE datasets SET deleted_at = NULL, row_version = row_version + 1, updated_at = @now WHERE id = @id AND project_id = @projectId",
                        new { id, projectId, now = time.GetUtcNow() });
                    if (changed == 0)
                    {
                        throw ApiException.NotFound("dataset", id);
                    }
                }
                catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "datasets_name"))
                {
                    throw ApiException.AlreadyExists("dataset", id);
                }
            },
            cancellationToken);

    /// <summary>Deletes a version; a draft at once and for good. Repeating it changes nothing.</summary>
    /// <exception cref="ApiException">409 <c>in_use</c> naming users.</exception>
    public Task DeleteVersionAsync(DatasetVersionRow version, string name, bool force, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                await work.FindAsync<string>("SELECT id FROM dataset_versions WHERE id = @Id FOR UPDATE", new { version.Id });
                await RequireUnusedAsync(work, name, [version.Id], force);
                await work.ExecuteAsync(
                    "UPDATE dataset_versions SET deleted_at = coalesce(deleted_at, @now), row_version = row_version + 1 WHERE id = @Id",
                    new { version.Id, now = time.GetUtcNow() });
            },
            cancellationToken);

    /// <summary>Takes the deletion of a version back.</summary>
    /// <exception cref="ApiException">404; 410 when its files are freed already.</exception>
    public Task RestoreVersionAsync(string projectId, string dataset, int version, CancellationToken cancellationToken)
        => database.InWorkAsync(
            async work =>
            {
                var row = await work.FindAsync<DatasetVersionRow>(
                        $"""
                        SELECT {DatasetVersionRow.Columns} FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id
                        WHERE v.project_id = @projectId AND v.version = @version AND d.deleted_at IS NULL AND (d.id = @dataset OR lower(d.name) = lower(@dataset))
                        FOR UPDATE OF v
                        """,
                        new { projectId, dataset, version })
                    ?? throw ApiException.NotFound("datasetVersion", $"{dataset}@{version}");
                if (row.PurgedAt is not null)
                {
                    throw new ApiException(ErrorCodes.ContentFreed, $"{dataset}@{version}");
                }

                await work.ExecuteAsync("UPDATE dataset_versions SET deleted_at = NULL, row_version = row_version + 1 WHERE id = @Id", new { row.Id });
            },
            cancellationToken);

    // A job that is submitted at this moment refers to the version's row, which is locked: it comes before or after.
    private async Task RequireUnusedAsync(UnitOfWork work, string name, IReadOnlyList<string> versions, bool force)
    {
        if (force)
        {
            return;
        }

        var users = await work.QueryAsync<VersionUser>(_users, new { versions = versions.ToArray(), limit = MaxNamed + 1 });
        if (users.Count > 0)
        {
            var chinese = RequestLanguage.IsChinese;
            var named = users.Take(MaxNamed).Select(user => $"{ErrorCatalog.Message($"word.{user.Kind}", chinese)} {user.Name}").Concat(users.Count > MaxNamed ? ["…"] : []);
            throw new ApiException(ErrorCodes.InUse, name, string.Join(chinese ? "、" : ", ", named));
        }
    }

    private sealed record VersionUser(string Kind, string Name);
}
