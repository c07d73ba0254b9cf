using System.Net;
using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Garbage;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Contracts.Models;
using AiPlatform.Contracts.Queues;
using AiPlatform.IntegrationTests.Functions.MLflow;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Blobs;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Dapper;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Operations.Garbage;

/// <summary>A project that can no longer be restored leaves names for lineage, and nothing else. Every table with <c>project_id</c> is looked at, new ones too.</summary>
[Collection(TrackingCollection.Name)]
[Trait("Area", "All")]
public sealed class PurgedProjectTests(FunctionsFixture functions, AzuriteFixture azurite) : IClassFixture<FunctionsFixture>
{
    // Rows that stay, because what is elsewhere may name them.
    private static readonly string[] Named =
        ["dataset_versions", "datasets", "experiments", "jobs", "logged_models", "model_versions", "models", "runs"];

    // Filled by what only a broker, a worker or a client of its own would bring.
    private static readonly string[] NotFilled =
    [
        "artifacts", "dataset_chunks", "dataset_content_parts", "dataset_contents", "evaluation_datasets", "lineage_external", "model_promotions", "openlineage_events",
        "presigned_uploads", "queue_shares", "scorers", "trace_assessments", "trace_prompts", "trace_runs", "trace_spans", "traces",
    ];

    [Fact]
    public async Task Nothing_of_it_is_left_but_names()
    {
        var user = await functions.CreateUserAsync();
        var project = (await functions.CreateProjectAsync(user.Client)).Id;
        await FillAsync(user.Client, project);
        await using var connection = new NpgsqlConnection(functions.Postgres);
        var tables = (await connection.QueryAsync<string>(
            """
            SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
            WHERE c.column_name = 'project_id' AND c.table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY 1
            """)).AsList();
        var before = await CountAsync(connection, tables, project);
        Assert.Equal([.. NotFilled.Order(StringComparer.Ordinal)], tables.Where(table => before[table] == 0).Order(StringComparer.Ordinal));

        Assert.Equal(HttpStatusCode.NoContent, (await user.Client.DeleteAsync($"/v1/projects/{project}")).StatusCode);
        var administrator = (await functions.AdministratorAsync()).Client;
        await administrator.PostAsync<GarbageReport>("/v1/garbage/collect", new CollectGarbageRequest(OlderThanSeconds: 0, Now: true));
        await administrator.PostAsync<GarbageReport>("/v1/garbage/collect", new CollectGarbageRequest(OlderThanSeconds: 0, Now: true));

        var after = await CountAsync(connection, tables, project);
        Assert.Equal(Named, tables.Where(table => after[table] > 0).Order(StringComparer.Ordinal));
        foreach (var (table, parent, key) in new[]
        {
            ("job_attempts", "jobs", "job_id"), ("job_dependencies", "jobs", "job_id"), ("job_datasets", "jobs", "job_id"), ("model_cards", "models", "model_id"),
            ("run_params", "runs", "run_id"), ("quality_plans", "datasets", "dataset_id"),
        })
        {
            Assert.Equal((table, 0), (table, await connection.ExecuteScalarAsync<int>(
                $"SELECT count(*) FROM {table} t JOIN {parent} p ON p.id = t.{key} WHERE p.project_id = @project", new { project })));
        }

        Assert.Null(await connection.ExecuteScalarAsync<string?>("SELECT spec ->> 'code' FROM jobs WHERE project_id = @project AND spec ->> 'recipe' IS NULL LIMIT 1", new { project }));
        var container = new BlobServiceClient(azurite.ConnectionString).GetBlobContainerClient(BlobStorage.Jobs);
        Assert.Empty(await container.GetBlobsAsync(BlobTraits.None, BlobStates.None, $"{_job}/", CancellationToken.None).ToListAsync());
    }

    private string _job = string.Empty;

    private async Task FillAsync(HttpClient client, string project)
    {
        await using var connection = new NpgsqlConnection(functions.Postgres);
        await connection.ExecuteAsync(
            """
            INSERT INTO datasets (id, project_id, name, created_at, updated_at) VALUES ('d' || @project, @project, 'data', now(), now());
            INSERT INTO dataset_versions (id, dataset_id, project_id, version, status, file_count, size_bytes, digest, created_at)
            VALUES ('v' || @project, 'd' || @project, @project, 1, 'ready', 0, 0, '\x00', now());
            INSERT INTO quality_plans (dataset_id, plan, updated_at) VALUES ('d' || @project, '{}', now());
            INSERT INTO quality_reports (id, project_id, version_id, status, plan, created_at, ended_at) VALUES ('q' || @project, @project, 'v' || @project, 'failed', '{}', now(), now());
            INSERT INTO dataset_imports (id, project_id, dataset_id, request, secret, source, status, created_at, ended_at)
            VALUES ('i' || @project, @project, 'd' || @project, '{}', '\x00', 'https://example.com', 'failed', now(), now())
            """,
            new { project });

        // A job with its run, its input, a run that names it, and the log of a rank.
        var first = (await client.PostAsync<JobSubmission>($"/v1/projects/{project}/jobs", new SubmitJobRequest(Recipe: "image-classifier", Datasets: [new JobDataset("data")]))).Job;
        await client.PostAsync<JobSubmission>($"/v1/projects/{project}/jobs", new SubmitJobRequest(Code: new JobCode("main.py", new Dictionary<string, string> { ["main.py"] = "pass" }), DependsOn: [first.Id]));
        _job = first.Id;
        await connection.ExecuteAsync(
            """
            UPDATE jobs SET status = 'failed', attempt = 1, ended_at = now() WHERE project_id = @project;
            INSERT INTO job_attempts (job_id, attempt, status, admitted_at, ended_at) VALUES (@job, 1, 'failed', now(), now())
            """,
            new { project, job = _job });
        var log = new BlobServiceClient(azurite.ConnectionString).GetBlobContainerClient(BlobStorage.Jobs).GetBlobClient(JobLogs.BlobName(_job, 1, 0));
        await log.UploadAsync(BinaryData.FromString("what a rank wrote"));

        // Queues, models, hooks, lineage.
        var queue = $"/v1/queues/{project}/default";
        await client.PostAsync<QueueTask>($"{queue}/tasks", new SubmitTaskRequest("noop", DelaySeconds: 100_000));
        await client.PostAsync<TaskSchedule>($"{queue}/schedules", new { name = "nightly", cron = "0 3 * * *", timeZone = "UTC", task = new { handler = "noop" } });
        await client.PostAsync<TaskPackage>($"/v1/projects/{project}/task-packages", new { name = "p", files = new Dictionary<string, string> { ["p.py"] = "x = 1" } });
        var mlflow = new MLflowClient(client, $"/p/{project}/api/2.0/mlflow/");
        var run = await mlflow.RunAsync();
        await mlflow.PostAsync("runs/log-parameter", new { run_id = run, key = "p", value = "1" });
        await mlflow.PostAsync("logged-models", new { experiment_id = "0", name = "net" });
        await mlflow.PostAsync("registered-models/create", new { name = "net" });
        await mlflow.PostAsync("model-versions/create", new { name = "net", source = $"runs:/{run}/model", run_id = run });
        await mlflow.PostAsync("webhooks", new { name = "hook", url = "https://example.com/hook", events = new[] { new { entity = "MODEL_VERSION", action = "CREATED" } }, secret = "whispered" });
        var models = await client.GetAsync<Page<RegisteredModel>>($"/v1/projects/{project}/models");
        await (await client.SendJsonAsync(HttpMethod.Put, $"/v1/projects/{project}/models/{models.Items[0].Id}/card", new WriteModelCardRequest("# Net"))).ReadAsync<object>();
        await client.PostAsync<LineageReceiver>($"/v1/projects/{project}/lineage-receivers", new CreateLineageReceiverRequest("robot", "https://example.com/lineage", "Bearer secret"));
        await client.PostAsync<object>($"/v1/projects/{project}/run-views", new { name = "mine", settings = new { columns = new[] { "metrics.loss" } } });
        foreach (var content in typeof(IProjectContent).Assembly.GetTypes().Where(static type => type.IsClass && type.IsAssignableTo(typeof(IProjectContent))))
        {
            await ((IProjectContent)Activator.CreateInstance(content)!).AddAsync(client, project);
        }
    }

    private static async Task<Dictionary<string, int>> CountAsync(NpgsqlConnection connection, IEnumerable<string> tables, string project)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
            counts[table] = await connection.ExecuteScalarAsync<int>($"SELECT count(*) FROM {table} WHERE project_id = @project", new { project });
        }

        return counts;
    }
}
