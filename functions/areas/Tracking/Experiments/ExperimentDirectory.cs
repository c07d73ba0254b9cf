using System.Collections.Concurrent;
using System.Globalization;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Artifacts;
using Dapper;
using Npgsql;

namespace AiPlatform.Tracking.Experiments;

/// <summary>A row of <c>experiments</c> as MLflow clients see it.</summary>
internal sealed class ExperimentRow
{
    public const string Columns = "e.id, e.name, e.mlflow_id AS public_id, e.is_default, e.artifact_location, e.tags::text AS tags, e.created_at, e.updated_at, e.deleted_at";

    public required string Id { get; init; }

    public required string Name { get; init; }

    public bool IsDefault { get; init; }

    public string? ArtifactLocation { get; init; }

    public required string Tags { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; init; }

    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>The id as clients know it.</summary>
    public required string PublicId { get; init; }

    public string LifecycleStage => DeletedAt is null ? "active" : "deleted";
}

/// <summary>Finds experiments by the ids that clients use: <c>0</c> is the project's default experiment, which always exists.</summary>
internal sealed class ExperimentDirectory(Database database, DirectArtifacts artifacts, TimeProvider time)
{
    public const string DefaultId = "0";
    private const string DefaultName = "Default";
    private const string SelectDefault = "SELECT id FROM experiments WHERE project_id = @projectId AND is_default";
    private const int MaxEntries = 10_000;

    private static readonly TimeSpan Life = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, string> _defaults = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Project, string Number), string> _numbers = new();
    private readonly ConcurrentDictionary<(string Project, string Id), (ExperimentRow Row, long Until)> _active = new();

    /// <summary>The stored id of an id that a client sent, a number or the platform's own id; the experiment need not exist.</summary>
    public async ValueTask<string> ResolveAsync(string projectId, string experimentId, CancellationToken cancellationToken)
        => experimentId == DefaultId ? await DefaultAsync(projectId, cancellationToken)
            : IsNumber(experimentId) ? (await NumbersAsync(projectId, [experimentId], cancellationToken)).GetValueOrDefault(experimentId, experimentId)
            : experimentId;

    /// <summary>As <see cref="ResolveAsync(string, string, CancellationToken)"/>, for several at once, each once.</summary>
    public async Task<string[]> ResolveAsync(string projectId, IReadOnlyList<string> experimentIds, CancellationToken cancellationToken)
    {
        var numbers = await NumbersAsync(projectId, [.. experimentIds.Where(IsNumber)], cancellationToken);
        var main = experimentIds.Contains(DefaultId, StringComparer.Ordinal) ? await DefaultAsync(projectId, cancellationToken) : null;
        return [.. experimentIds.Select(id => id == DefaultId ? main! : numbers.GetValueOrDefault(id, id)).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>An experiment of the project, deleted or not.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST.</exception>
    public async Task<ExperimentRow> RequireAsync(string projectId, string experimentId, CancellationToken cancellationToken)
    {
        var id = await ResolveAsync(projectId, experimentId, cancellationToken);
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<ExperimentRow>(new CommandDefinition(
                $"SELECT {ExperimentRow.Columns} FROM experiments e WHERE e.project_id = @projectId AND e.id = @id AND e.purged_at IS NULL", new { projectId, id }, cancellationToken: cancellationToken))
            ?? throw MLflowException.Missing($"No Experiment with id={experimentId} exists");
    }

    /// <summary>As <see cref="RequireAsync"/>, for changes.</summary>
    /// <exception cref="MLflowException">RESOURCE_DOES_NOT_EXIST, or INVALID_PARAMETER_VALUE for a deleted experiment.</exception>
    public async Task<ExperimentRow> RequireActiveAsync(string projectId, string experimentId, CancellationToken cancellationToken)
    {
        var row = await RequireAsync(projectId, experimentId, cancellationToken);
        return row.DeletedAt is null
            ? row
            : throw MLflowException.Invalid($"The experiment {experimentId} must be in the 'active' state. Current state is deleted.");
    }

    /// <summary>As <see cref="RequireActiveAsync"/>, remembered for a moment: sweeps create thousands of runs in one experiment. This instance forgets what it changes.</summary>
    public async ValueTask<ExperimentRow> RequireActiveRecentAsync(string projectId, string experimentId, CancellationToken cancellationToken)
    {
        if (_active.TryGetValue((projectId, experimentId), out var entry) && entry.Until > time.GetTimestamp())
        {
            return entry.Row;
        }

        var row = await RequireActiveAsync(projectId, experimentId, cancellationToken);
        if (_active.Count >= MaxEntries)
        {
            _active.Clear();
        }

        _active[(projectId, experimentId)] = (row, time.GetTimestamp() + (long)(Life.TotalSeconds * time.TimestampFrequency));
        return row;
    }

    /// <summary>Forgets which experiments are active.</summary>
    public void Forget() => _active.Clear();

    /// <summary>The stored id of the project's default experiment, made when there is none. One that people named so becomes it.</summary>
    public async ValueTask<string> DefaultAsync(string projectId, CancellationToken cancellationToken)
    {
        if (_defaults.TryGetValue(projectId, out var known))
        {
            return known;
        }

        string? id;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            id = await connection.ExecuteScalarAsync<string?>(new CommandDefinition(SelectDefault, new { projectId }, cancellationToken: cancellationToken));
        }

        id ??= await MakeDefaultAsync(projectId, cancellationToken);
        if (_defaults.Count >= MaxEntries)
        {
            _defaults.Clear();
        }

        return _defaults[projectId] = id;
    }

    /// <summary>The number and the location of an experiment that is about to be made.</summary>
    public async Task<(long Number, string? Location)> PlaceAsync(NpgsqlConnection connection, string? asked, CancellationToken cancellationToken)
    {
        var number = await connection.ExecuteScalarAsync<long>(new CommandDefinition("SELECT nextval('experiments_number')", cancellationToken: cancellationToken));
        return (number, artifacts.LocationOf(number.ToString(CultureInfo.InvariantCulture), asked));
    }

    // One caller at a time looks and makes: two unique indexes are concerned, and ON CONFLICT settles only the one that it names.
    private Task<string> MakeDefaultAsync(string projectId, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                var (number, location) = await PlaceAsync(connection, null, cancellationToken);
                var parameters = new { id = Ids.New(time), number, location, projectId, DefaultName, now = time.GetUtcNow() };
                await connection.ExecuteAsync(new CommandDefinition(
                    "SELECT pg_advisory_xact_lock(hashtextextended('default experiment ' || @projectId, 0))", parameters, transaction, cancellationToken: cancellationToken));
                await connection.ExecuteAsync(new CommandDefinition(
                    """
                    INSERT INTO experiments (id, project_id, name, is_default, number, artifact_location, created_at, updated_at)
                    SELECT @id, @projectId, @DefaultName, true, @number, @location, @now, @now
                    WHERE NOT EXISTS (SELECT 1 FROM experiments WHERE project_id = @projectId AND is_default)
                    ON CONFLICT (project_id, lower(name)) WHERE deleted_at IS NULL DO UPDATE SET is_default = true
                    """,
                    parameters,
                    transaction,
                    cancellationToken: cancellationToken));
                return (await connection.ExecuteScalarAsync<string>(new CommandDefinition(SelectDefault, parameters, transaction, cancellationToken: cancellationToken)))!;
            },
            cancellationToken);

    private async Task<Dictionary<string, string>> NumbersAsync(string projectId, string[] numbers, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        var asked = new List<long>();
        foreach (var number in numbers)
        {
            if (_numbers.TryGetValue((projectId, number), out var id))
            {
                found[number] = id;
            }
            else
            {
                asked.Add(long.Parse(number, CultureInfo.InvariantCulture));
            }
        }

        if (asked.Count == 0)
        {
            return found;
        }

        await using var connection = await database.OpenAsync(cancellationToken);
        foreach (var (number, id) in await connection.QueryAsync<(string Number, string Id)>(new CommandDefinition(
            "SELECT number::text, id FROM experiments WHERE project_id = @projectId AND number = ANY(@asked)", new { projectId, asked = asked.ToArray() }, cancellationToken: cancellationToken)))
        {
            if (_numbers.Count >= MaxEntries)
            {
                _numbers.Clear();
            }

            found[number] = _numbers[(projectId, number)] = id;
        }

        return found;
    }

    // As the numbers are written: one of several spellings is enough.
    private static bool IsNumber(string id) => id.Length is > 0 and <= 18 && id[0] is >= '1' and <= '9' && id.All(char.IsAsciiDigit);
}
