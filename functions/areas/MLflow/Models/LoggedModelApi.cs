using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Tracking;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.LoggedModels;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;
using Dapper;

namespace AiPlatform.MLflow.Models;

/// <summary>Logged models of MLflow 3 clients.</summary>
internal sealed class LoggedModelApi(Database database, LoggedModelStore store, ExperimentDirectory experiments, RunDirectory runs, TimeProvider time)
{
    private const int MaxName = 500;
    private const int MaxEntries = 1_000;
    private const int DefaultResults = 100;
    private static readonly System.Buffers.SearchValues<char> Forbidden = System.Buffers.SearchValues.Create("/:.%\"'");
    private const int MaxResults = 1_000;

    private static readonly SearchColumns Columns = new(
        static attribute => attribute switch
        {
            "name" => "m.name",
            "model_id" => "m.id",
            "model_type" => "m.model_type",
            "status" => "m.status",
            "source_run_id" => "coalesce(m.run_id, m.foreign_run_id)",
            "experiment_id" => "e.mlflow_id",
            "creation_time" => "floor(extract(epoch FROM m.created_at) * 1000)",
            "last_updated_time" => "floor(extract(epoch FROM m.updated_at) * 1000)",
            _ => throw MLflowException.Invalid($"Invalid attribute key '{attribute}'."),
        },
        static (kind, _) => kind == EntityKind.Metric
            ? new EntityRows($"{TrackingRelations.LoggedModelMetrics} {{0}}", "{0}.model_id = m.id AND {0}.key = {1}", "{0}.value")
            : new EntityRows($"jsonb_each_text(m.{(kind == EntityKind.Tag ? "tags" : "params")}) AS {{0}} (key, value)", "{0}.key = {1}", "{0}.value"));

    /// <summary><c>POST logged-models</c>.</summary>
    public async Task CreateAsync(MLflowCall call)
    {
        var experiment = await experiments.RequireActiveAsync(call.ProjectId, call.RequiredText("experiment_id"), call.Token);
        var (run, foreign) = await runs.LinkAsync(call.Text("source_run_id"), call.ProjectId, call.Caller, call.Token);
        var id = $"m-{Ids.New(time)}";
        var name = Names.Value(call.Text("name") is { Length: > 0 } given ? given : $"model-{id[^6..]}", "model name", "name", MaxName);
        if (name.AsSpan().IndexOfAny(Forbidden) >= 0)
        {
            throw MLflowException.Invalid($"Invalid model name ('{name}') provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '\"', \"'\")");
        }

        await store.InsertAsync(
            new NewLoggedModel(
                id, call.ProjectId, experiment.Id, run?.Id, foreign, name, call.Text("model_type"), JsonTags.Write(RunApi.Tags(call, "params", MaxEntries)),
                JsonTags.Write(RunApi.Tags(call, "tags", MaxEntries)), call.Caller.UserId),
            call.Token);
        await WriteAsync(call, id);
    }

    /// <summary><c>GET logged-models/{id}</c>.</summary>
    public Task GetAsync(MLflowCall call) => WriteAsync(call, Id(call));

    /// <summary><c>PATCH logged-models/{id}</c>: the model is ready, or failed.</summary>
    public async Task FinalizeAsync(MLflowCall call)
    {
        var status = call.RequiredText("status");
        if (status is not ("LOGGED_MODEL_READY" or "LOGGED_MODEL_UPLOAD_FAILED" or "LOGGED_MODEL_PENDING"))
        {
            throw MLflowException.Value("status", $"'{status}'");
        }

        await store.SetStatusAsync(await RequireAsync(call), status, call.Token);
        await WriteAsync(call, Id(call));
    }

    /// <summary><c>DELETE logged-models/{id}</c>.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        await store.DeleteAsync(await RequireAsync(call), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>PATCH logged-models/{id}/tags</c>.</summary>
    public async Task SetTagsAsync(MLflowCall call)
    {
        await store.SetTagsAsync(await RequireAsync(call), JsonTags.Write(RunApi.Tags(call, "tags", MaxEntries)), call.Token);
        await WriteAsync(call, Id(call));
    }

    /// <summary><c>DELETE logged-models/{id}/tags/{key}</c>.</summary>
    public async Task DeleteTagAsync(MLflowCall call)
    {
        var key = (string)call.Context.Request.RouteValues["key"]!;
        if (!await store.DeleteTagAsync(await RequireAsync(call), key, call.Token))
        {
            throw MLflowException.Missing($"No tag with key '{key}' found for model with ID '{Id(call)}'.");
        }

        await call.EmptyAsync();
    }

    /// <summary><c>POST logged-models/{id}/params</c>: what is there already stays.</summary>
    public async Task LogParamsAsync(MLflowCall call)
    {
        await store.AddParamsAsync(await RequireAsync(call), JsonTags.Write(RunApi.Tags(call, "params", MaxEntries)), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>logged-models/search</c>.</summary>
    public async Task SearchAsync(MLflowCall call)
    {
        var limit = call.MaxResults(DefaultResults, MaxResults);
        var offset = Offsets.Read(call.Text("page_token"));
        var (sql, measured) = Query(call);
        var ids = await experiments.ResolveAsync(call.ProjectId, call.Texts("experiment_ids"), call.Token);
        sql.Parameters.Add("project", call.ProjectId);
        sql.Parameters.Add("experiments", ids);
        sql.Parameters.Add("limit", limit + 1);
        sql.Parameters.Add("offset", offset);
        List<LoggedModelRow> rows;
        await using (var connection = await database.OpenAsync(call.Token))
        {
            rows = (await connection.QueryAsync<LoggedModelRow>(new CommandDefinition(
                $"""
                SELECT {LoggedModelRow.Columns} FROM {TrackingRelations.LoggedModels} m JOIN {TrackingRelations.Experiments} e ON e.id = m.experiment_id{sql.Joins}
                WHERE m.project_id = @project AND m.experiment_id = ANY(@experiments) AND m.deleted_at IS NULL{sql.Where}{measured}
                ORDER BY {sql.Order}m.created_at DESC, m.id LIMIT @limit OFFSET @offset
                """,
                sql.Parameters,
                cancellationToken: call.Token))).AsList();
        }

        var metrics = await store.MetricsAsync([.. rows.Select(row => row.Id)], call.Token);
        await call.WritePageAsync("models", rows, limit, offset, (json, row) => LoggedModelJson.Write(json, row, metrics[row.Id]));
    }

    private static (SearchSql Sql, string Measured) Query(MLflowCall call)
    {
        var sql = new SearchSql(Columns);
        var filter = FilterParser.Parse(call.Text("filter"), SearchDialect.LoggedModels);
        var datasets = DatasetFilter.Of(call, sql);
        sql.Filter(filter, datasets);
        foreach (var (entry, index) in call.Objects("order_by").Select((entry, index) => (new MLflowCall(call.Context, entry, call.ProjectId), index)))
        {
            var text = $"{entry.RequiredText("field_name")}{(entry.Flag("ascending") ?? true ? " ASC" : " DESC")}";
            sql.OrderBy(FilterParser.Order([text], SearchDialect.LoggedModels), (kind, key) => kind == EntityKind.Metric ? DatasetFilter.Newest(entry, sql, index) : Columns.Rows(kind, key));
        }

        // Data sets without a clause about metrics: models with any metric of theirs.
        var measured = datasets.Length > 0 && !filter.Any(static clause => clause.Kind == EntityKind.Metric)
            ? $" AND EXISTS (SELECT 1 FROM {TrackingRelations.LoggedModelMetrics} measured WHERE measured.model_id = m.id{datasets.Replace("{0}", "measured", StringComparison.Ordinal)})"
            : string.Empty;
        return (sql, measured);
    }

    private static string Id(MLflowCall call) => (string)call.Context.Request.RouteValues["model"]!;

    private async Task<string> RequireAsync(MLflowCall call) => (await store.RequireAsync(Id(call), call.Caller, call.Token)).Id;

    private async Task WriteAsync(MLflowCall call, string id)
    {
        var model = await store.RequireAsync(id, call.Caller, call.Token);
        var metrics = await store.MetricsAsync([id], call.Token);
        await call.WriteAsync(json =>
        {
            json.WritePropertyName("model"u8);
            LoggedModelJson.Write(json, model, metrics[id]);
        });
    }
}
