using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.Experiments;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search.Index;
using Dapper;
using Npgsql;

namespace AiPlatform.MLflow.Tracking;

/// <summary>Runs of MLflow clients: create, get, change, delete, restore, search.</summary>
internal sealed class RunApi(
    Database database, RunDirectory runs, RunEditor editor, ExperimentDirectory experiments, RunWriter writer, MetricSummaries summaries, TimeProvider time)
{
    private const string RunNameTag = "mlflow.runName";
    private const string UserTag = "mlflow.user";
    private const int MaxCreationTags = 1_000;

    private static readonly string[] Adjectives = ["amused", "bold", "calm", "clever", "daring", "eager", "gentle", "keen", "lively", "polite", "quick", "silent", "stately", "unique", "wise"];
    private static readonly string[] Animals = ["ape", "bear", "crane", "deer", "fox", "goose", "hare", "lynx", "mole", "newt", "owl", "panda", "seal", "toad", "wolf"];

    /// <summary><c>runs/create</c>.</summary>
    public async Task CreateAsync(MLflowCall call)
    {
        var tags = Tags(call, "tags", MaxCreationTags);
        var experimentId = call.Text("experiment_id") is { Length: > 0 } given ? given : ExperimentDirectory.DefaultId;
        var experiment = await experiments.RequireActiveRecentAsync(call.ProjectId, experimentId, call.Token);
        var named = tags.LastOrDefault(tag => tag.Key == RunNameTag).Value;
        if (call.Text("run_name") is { Length: > 0 } asked && named is { Length: > 0 } && asked != named)
        {
            throw MLflowException.Invalid($"Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='{asked}', mlflow.runName='{named}').");
        }

        var name = Names.Value(call.Text("run_name") is { Length: > 0 } text ? text : named is { Length: > 0 } ? named : RandomName(), "run name", "run_name", Names.MaxTag);
        var started = call.Number("start_time") is { } start ? DateTimeOffset.FromUnixTimeMilliseconds(Milliseconds(start, "start_time")) : time.GetUtcNow();
        var document = new RunDocument
        {
            Id = Ids.New(time),
            ExperimentId = experiment.PublicId,
            ArtifactLocation = experiment.ArtifactLocation,
            Name = name,
            UserName = call.Text("user_id") is { Length: > 0 } user ? user : tags.LastOrDefault(tag => tag.Key == UserTag).Value ?? call.Caller.Name,
            Status = "RUNNING",
            StartedAt = started,
        };
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in tags)
        {
            all[key] = value;
        }

        all[RunNameTag] = name;
        document.Tags.AddRange(all.OrderBy(tag => tag.Key, StringComparer.Ordinal));
        await writer.AddAsync(
            new RunWrite(document.Id)
            {
                Created = new CreatedRun(call.ProjectId, experiment.Id, name, document.UserName, call.Caller.UserId, started.UtcDateTime),
                Tags = document.Tags,
            },
            call.Token);
        await WriteAsync(call, document);
    }

    /// <summary><c>runs/get</c>.</summary>
    public async Task GetAsync(MLflowCall call)
    {
        var run = await runs.RequireAsync(RunId(call), call.Caller, call.Token);
        await WriteAsync(call, await ReadAsync(run.Id, call.Token));
    }

    /// <summary><c>runs/update</c>. A run of a job takes its status from the job.</summary>
    public async Task UpdateAsync(MLflowCall call)
    {
        var run = await runs.RequireActiveAsync(RunId(call), call.Caller, call.Token);
        var status = call.Text("status") is { Length: > 0 } text ? Status(text) : null;
        var end = call.Number("end_time") is { } number ? DateTimeOffset.FromUnixTimeMilliseconds(Milliseconds(number, "end_time")) : (DateTimeOffset?)null;
        var name = call.Text("run_name") is { Length: > 0 } given ? Names.Value(given, "run name", "run_name", Names.MaxTag) : null;
        if (run.JobId is not null)
        {
            (status, end) = (null, null);
        }

        await editor.UpdateAsync(run.Id, status, name, end, call.Token);
        if (name is not null)
        {
            await writer.AddAsync(new RunWrite(run.Id) { Tags = [new(RunNameTag, name)] }, call.Token);
        }

        var document = await ReadAsync(run.Id, call.Token);
        await call.WriteAsync(json =>
        {
            json.WritePropertyName("run_info"u8);
            document.WriteInfo(json);
        });
    }

    /// <summary><c>runs/delete</c>.</summary>
    public Task DeleteAsync(MLflowCall call) => SetDeletedAsync(call, deleted: true);

    /// <summary><c>runs/restore</c>.</summary>
    public Task RestoreAsync(MLflowCall call) => SetDeletedAsync(call, deleted: false);

    /// <summary><c>runs/delete-tag</c>.</summary>
    public async Task DeleteTagAsync(MLflowCall call)
    {
        var run = await runs.RequireActiveAsync(RunId(call), call.Caller, call.Token);
        var key = call.RequiredText("key");
        if (!await editor.DeleteTagAsync(run.Id, key, call.Token))
        {
            throw MLflowException.Missing($"No tag with name: {key} in run with id {run.Id}");
        }

        await call.EmptyAsync();
    }

    /// <summary><c>runs/log-inputs</c>.</summary>
    public async Task LogInputsAsync(MLflowCall call)
    {
        var run = await runs.RequireActiveAsync(RunId(call), call.Caller, call.Token);
        if (!call.Has("datasets") && !call.Has("models"))
        {
            throw MLflowException.Required("datasets");
        }

        var rows = call.Objects("datasets").Select(input =>
        {
            var entry = new MLflowCall(call.Context, input, call.ProjectId);
            var dataset = entry.Object("dataset") ?? throw MLflowException.Required("dataset");
            return new InputRow(
                Names.Value(dataset.RequiredText("name"), "dataset name", "name", 500),
                Names.Value(dataset.RequiredText("digest"), "dataset digest", "digest", 36),
                dataset.RequiredText("source_type"),
                dataset.RequiredText("source"),
                dataset.Text("schema"),
                dataset.Text("profile"),
                JsonTags.Write(Tags(entry, "tags", 100)));
        }).ToList();
        var models = call.Objects("models").Select(model => new MLflowCall(call.Context, model, call.ProjectId).RequiredText("model_id")).ToList();
        await editor.AddInputsAsync(run.Id, rows, models, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>runs/outputs</c>.</summary>
    public async Task LogOutputsAsync(MLflowCall call)
    {
        var run = await runs.RequireActiveAsync(RunId(call), call.Caller, call.Token);
        var models = call.Objects("models").Select(item => new MLflowCall(call.Context, item, call.ProjectId))
            .Select(item => (item.RequiredText("model_id"), item.Number("step") ?? 0)).ToList();
        await editor.AddOutputsAsync(run.Id, models, call.Token);
        await call.EmptyAsync();
    }

    /// <summary>Key and value pairs of a list; checked.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> Tags(MLflowCall call, string name, int max, int longest = Names.MaxTag)
    {
        var tags = call.Objects(name);
        return tags.Count > max
            ? throw MLflowException.Invalid($"At most {max} {name} are accepted. Got {tags.Count}.")
            : [.. tags.Select(tag =>
            {
                var entry = new MLflowCall(call.Context, tag, call.ProjectId);
                var key = Names.Key(entry.Text("key"), "tag");
                return new KeyValuePair<string, string>(key, Names.Value(entry.Text("value") ?? string.Empty, "tag", key, longest));
            })];
    }

    private async Task SetDeletedAsync(MLflowCall call, bool deleted)
    {
        var run = await runs.RequireAsync(RunId(call), call.Caller, call.Token);
        if (run.Deleted != deleted || deleted)
        {
            var changed = await editor.SetDeletedAsync(run.Id, deleted, call.Token);
            runs.Forget(run.Id);
            if (!changed)
            {
                throw MLflowException.Missing($"Run with id={run.Id} not found");
            }
        }

        await call.EmptyAsync();
    }

    private async Task<RunDocument> ReadAsync(string id, CancellationToken cancellationToken)
    {
        RunDocument? run;
        bool mustFold;
        await using (var connection = await database.OpenAsync(cancellationToken))
        {
            (run, mustFold) = await RunDocuments.ReadCurrentAsync(connection, id, cancellationToken);
        }

        if (mustFold)
        {
            await summaries.EnsureAsync([id], cancellationToken);
            await using var connection = await database.OpenAsync(cancellationToken);
            run = (await RunDocuments.ReadAsync(connection, [id], cancellationToken)).FirstOrDefault();
        }

        return run ?? throw MLflowException.Missing($"Run with id={id} not found");
    }

    private static Task WriteAsync(MLflowCall call, RunDocument run) => call.WriteAsync(json =>
    {
        json.WriteStartObject("run"u8);
        run.Write(json);
        json.WriteEndObject();
    });

    private static string RunId(MLflowCall call) => call.Text("run_id") is { Length: > 0 } id ? id : call.Text("run_uuid") is { Length: > 0 } old ? old : throw MLflowException.Required("run_id");

    private static long Milliseconds(long value, string name) => value is >= 0 and <= 253_402_300_799_999 ? value : throw MLflowException.Value(name, $"{value}");

    private static string Status(string text) => text switch
    {
        "RUNNING" or "SCHEDULED" or "FINISHED" or "FAILED" or "KILLED" => text.ToLowerInvariant(),
        _ => throw MLflowException.Value("status", $"'{text}'"),
    };

    private static string RandomName()
        => $"{Adjectives[Random.Shared.Next(Adjectives.Length)]}-{Animals[Random.Shared.Next(Animals.Length)]}-{Random.Shared.Next(1_000)}";
}
