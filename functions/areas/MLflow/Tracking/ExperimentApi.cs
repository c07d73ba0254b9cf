using System.Text.Json;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;
using AiPlatform.Tracking.Search.Index;
using Dapper;
using Npgsql;

namespace AiPlatform.MLflow.Tracking;

/// <summary>Experiments of MLflow clients.</summary>
internal sealed class ExperimentApi(Database database, ExperimentDirectory experiments, ExperimentEditor editor)
{
    private const int MaxName = 500;
    private const int DefaultResults = 1_000;
    private const int MaxResults = 50_000;
    private const int MaxDatasetExperiments = 20;

    private static readonly SearchColumns Columns = new(
        static attribute => attribute switch
        {
            "name" => "e.name",
            "experiment_id" => "e.mlflow_id",
            "creation_time" => "floor(extract(epoch FROM e.created_at) * 1000)",
            "last_update_time" => "floor(extract(epoch FROM e.updated_at) * 1000)",
            _ => throw MLflowException.Invalid($"Invalid attribute key '{attribute}'."),
        },
        static (_, _) => new EntityRows("jsonb_each_text(e.tags) AS {0} (key, value)", "{0}.key = {1}", "{0}.value"))
    {
        Order = static attribute => attribute switch
        {
            "name" => "e.name COLLATE \"C\"",
            "experiment_id" => Number,
            _ => null,
        },
    };

    private const string Number = "(CASE WHEN e.is_default THEN 0 ELSE e.number END)";

    /// <summary><c>experiments/create</c>.</summary>
    public async Task CreateAsync(MLflowCall call)
    {
        var name = call.RequiredText("name");
        if (name.Length > MaxName)
        {
            throw MLflowException.Invalid($"Experiment name exceeds the maximum length of {MaxName} characters.");
        }

        var asked = LocationUri.Checked(call.Text("artifact_location"));
        await experiments.DefaultAsync(call.ProjectId, call.Token);
        var number = await editor.CreateAsync(call.ProjectId, name, asked, JsonTags.Write(RunApi.Tags(call, "tags", 100)), call.Caller.UserId, call.Token);
        await call.WriteAsync(json => json.WriteString("experiment_id"u8, $"{number}"));
    }

    /// <summary><c>experiments/get</c>.</summary>
    public async Task GetAsync(MLflowCall call)
        => await WriteAsync(call, await experiments.RequireAsync(call.ProjectId, call.RequiredText("experiment_id"), call.Token));

    /// <summary><c>experiments/get-by-name</c>.</summary>
    public async Task GetByNameAsync(MLflowCall call)
    {
        var name = call.RequiredText("experiment_name");
        await experiments.DefaultAsync(call.ProjectId, call.Token);
        await using var connection = await database.OpenAsync(call.Token);
        var row = await connection.QueryFirstOrDefaultAsync<ExperimentRow>(new CommandDefinition(
            $"""
            SELECT {ExperimentRow.Columns} FROM {TrackingRelations.Experiments} e
            WHERE e.project_id = @project AND e.name = @name AND e.purged_at IS NULL ORDER BY e.deleted_at NULLS FIRST LIMIT 1
            """,
            new { project = call.ProjectId, name },
            cancellationToken: call.Token));
        await WriteAsync(call, row ?? throw MLflowException.Missing($"Could not find experiment with name '{name}'"));
    }

    /// <summary><c>experiments/delete</c>: its runs go with it.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        var row = await experiments.RequireActiveAsync(call.ProjectId, call.RequiredText("experiment_id"), call.Token);
        if (row.IsDefault)
        {
            throw MLflowException.Invalid("The default experiment cannot be deleted.");
        }

        await editor.DeleteAsync(row.Id, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>experiments/restore</c>: with the runs that went with it.</summary>
    public async Task RestoreAsync(MLflowCall call)
    {
        var id = call.RequiredText("experiment_id");
        var row = await experiments.RequireAsync(call.ProjectId, id, call.Token);
        if (row.DeletedAt is null)
        {
            throw MLflowException.Missing($"No Experiment with id={id} exists");
        }

        await editor.RestoreAsync(row, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>experiments/update</c>.</summary>
    public async Task UpdateAsync(MLflowCall call)
    {
        var row = await experiments.RequireActiveAsync(call.ProjectId, call.RequiredText("experiment_id"), call.Token);
        var name = call.RequiredText("new_name");
        if (name.Length > MaxName)
        {
            throw MLflowException.Invalid($"Experiment name exceeds the maximum length of {MaxName} characters.");
        }

        await editor.RenameAsync(row.Id, name, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>experiments/set-experiment-tag</c>.</summary>
    public async Task SetTagAsync(MLflowCall call)
    {
        var row = await experiments.RequireActiveAsync(call.ProjectId, call.RequiredText("experiment_id"), call.Token);
        var key = Names.Key(call.RequiredText("key"), "tag");
        var value = Names.Value(call.Text("value") ?? string.Empty, "tag", key, Names.MaxTag);
        await editor.SetTagAsync(row.Id, key, value, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>experiments/delete-experiment-tag</c>.</summary>
    public async Task DeleteTagAsync(MLflowCall call)
    {
        var row = await experiments.RequireActiveAsync(call.ProjectId, call.RequiredText("experiment_id"), call.Token);
        var key = call.RequiredText("key");
        if (!await editor.DeleteTagAsync(row.Id, key, call.Token))
        {
            throw MLflowException.Missing($"No tag with name: {key} in experiment with id {row.PublicId}");
        }

        await call.EmptyAsync();
    }

    /// <summary><c>experiments/search</c> and, of 1.x, <c>experiments/list</c>.</summary>
    public async Task SearchAsync(MLflowCall call)
    {
        var limit = call.MaxResults(DefaultResults, MaxResults);
        var offset = Offsets.Read(call.Text("page_token"));
        var sql = new SearchSql(Columns).Filter(FilterParser.Parse(call.Text("filter"), SearchDialect.Experiments)).OrderBy(FilterParser.Order(call.Texts("order_by"), SearchDialect.Experiments));
        await experiments.DefaultAsync(call.ProjectId, call.Token);
        sql.Parameters.Add("project", call.ProjectId);
        sql.Parameters.Add("limit", limit + 1);
        sql.Parameters.Add("offset", offset);
        await using var connection = await database.OpenAsync(call.Token);
        var rows = (await connection.QueryAsync<ExperimentRow>(new CommandDefinition(
            $"""
            SELECT {ExperimentRow.Columns} FROM {TrackingRelations.Experiments} e{sql.Joins}
            WHERE e.project_id = @project AND e.purged_at IS NULL{LifecycleView.Of(call.Text("view_type")).Sql("e.deleted_at")}{sql.Where}
            ORDER BY {(sql.Order.Length > 0 ? sql.Order : "date_trunc('milliseconds', e.created_at) DESC, ")}{Number} LIMIT @limit OFFSET @offset
            """,
            sql.Parameters,
            cancellationToken: call.Token))).AsList();
        await call.WritePageAsync("experiments", rows, limit, offset, Write);
    }

    /// <summary><c>experiments/search-datasets</c>: what went into the runs of some experiments.</summary>
    public async Task SearchDatasetsAsync(MLflowCall call)
    {
        var asked = call.Texts("experiment_ids");
        if (asked.Count == 0)
        {
            throw MLflowException.Invalid("SearchDatasets request must specify at least one experiment_id.");
        }

        if (asked.Count > MaxDatasetExperiments)
        {
            throw MLflowException.Invalid($"SearchDatasets request cannot specify more than {MaxDatasetExperiments} experiment_ids. Received {asked.Count} experiment_ids.");
        }

        var ids = await experiments.ResolveAsync(call.ProjectId, asked, call.Token);
        await using var connection = await database.OpenAsync(call.Token);
        var rows = await connection.QueryAsync<(string Experiment, string Name, string Digest, string? Context)>(new CommandDefinition(
            $"""
            SELECT DISTINCT e.mlflow_id, i.name, i.digest, i.tags ->> 'mlflow.data.context'
            FROM {TrackingRelations.RunInputs} i JOIN {TrackingRelations.Runs} r ON r.id = i.run_id JOIN {TrackingRelations.Experiments} e ON e.id = r.experiment_id
            WHERE r.experiment_id = ANY(@ids) AND r.project_id = @project ORDER BY 1, 2, 3 LIMIT 1000
            """,
            new { ids, project = call.ProjectId },
            cancellationToken: call.Token));
        await call.WriteAsync(json =>
        {
            json.WriteStartArray("dataset_summaries"u8);
            foreach (var (experiment, name, digest, context) in rows)
            {
                json.WriteStartObject();
                json.WriteString("experiment_id"u8, experiment);
                json.WriteString("name"u8, name);
                json.WriteString("digest"u8, digest);
                MLflowJson.Optional(json, "context"u8, context);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    private static Task WriteAsync(MLflowCall call, ExperimentRow row) => call.WriteAsync(json =>
    {
        json.WritePropertyName("experiment"u8);
        Write(json, row);
    });

    private static void Write(Utf8JsonWriter json, ExperimentRow row)
    {
        json.WriteStartObject();
        json.WriteString("experiment_id"u8, row.PublicId);
        json.WriteString("name"u8, row.Name);
        json.WriteString("artifact_location"u8, row.ArtifactLocation ?? $"mlflow-artifacts:/{row.PublicId}");
        json.WriteString("lifecycle_stage"u8, row.LifecycleStage);
        json.WriteNumber("creation_time"u8, row.CreatedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("last_update_time"u8, row.UpdatedAt.ToUnixTimeMilliseconds());
        RunJson.Pairs(json, "tags", JsonTags.Read(row.Tags));
        json.WriteEndObject();
    }
}
