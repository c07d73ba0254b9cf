using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Models;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Registry;
using AiPlatform.Registry.Models;
using AiPlatform.Registry.Webhooks;
using AiPlatform.Tracking.Artifacts;
using AiPlatform.Tracking.LoggedModels;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;
using Dapper;

namespace AiPlatform.MLflow.Registry;

/// <summary>Model versions of MLflow clients.</summary>
internal sealed class ModelVersionApi(
    Database database, RegistryReader store, RegistryEditor editor, RunDirectory runs, LoggedModelStore models, ModelDescriptions descriptions, DirectArtifacts direct,
    ModelMoves moves, TimeProvider time)
{
    private const int MaxDescription = 100_000;
    private const int DefaultResults = 10_000;
    private const int MaxResults = 200_000;
    private const int MaxPage = 10_000;

    private static readonly SearchColumns Columns = new(
        static attribute => attribute switch
        {
            "name" => "m.name",
            "version_number" => "v.version",
            "run_id" => "coalesce(v.run_id, v.foreign_run_id)",
            "source_path" => "v.source",
            "creation_timestamp" => "floor(extract(epoch FROM v.created_at) * 1000)",
            "last_updated_timestamp" => "floor(extract(epoch FROM v.updated_at) * 1000)",
            _ => throw MLflowException.Invalid($"Invalid attribute key '{attribute}'."),
        },
        static (_, _) => new EntityRows("jsonb_each_text(v.tags) AS {0} (key, value)", "{0}.key = {1}", "{0}.value"))
    {
        Order = static attribute => attribute == "name" ? Name : null,
    };

    private const string Name = "m.name COLLATE \"C\"";

    /// <summary>A stage in its canonical spelling.</summary>
    /// <exception cref="MLflowException">There is no such stage.</exception>
    public static string Stage(string stage) => stage.ToLowerInvariant() switch
    {
        "none" => "None",
        "staging" => "Staging",
        "production" => "Production",
        "archived" => "Archived",
        _ => throw MLflowException.Invalid($"Invalid Model Version stage: {stage}. Value must be one of None, Staging, Production, Archived."),
    };

    /// <summary>Answers one version.</summary>
    public static Task WriteAsync(MLflowCall call, VersionRow version) => call.WriteAsync(json =>
    {
        json.WritePropertyName("model_version"u8);
        RegistryJson.Write(json, version);
    });

    /// <summary><c>model-versions/create</c>.</summary>
    public async Task CreateAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        var (run, foreign) = await runs.LinkAsync(call.Text("run_id"), call.ProjectId, call.Caller, call.Token);
        var source = ModelSource.Checked(call.RequiredText("source"), run, direct);
        var named = call.Text("model_id") is { Length: > 0 } modelId ? await models.RequireAsync(modelId, call.Caller, call.Token) : null;
        var origin = await OriginAsync(source, call);
        var logged = named ?? origin?.Logged;

        // As in MLflow, the run of a logged model is the version's. A copy names what its origin came from too: that keeps its files.
        if (run is null && foreign is null && (origin?.Version?.RunId ?? logged?.RunId) is { } inherited)
        {
            run = await runs.FindAsync(inherited, call.Caller, call.Token) is { } found && found.ProjectId == call.ProjectId ? found : null;
        }

        var described = origin?.Version is null ? await descriptions.OfSourceAsync(source, run, logged, call.Caller, call.Token) : ModelDescription.None;
        var version = new NewVersion(model.Id, call.ProjectId)
        {
            Description = call.Text("description") is { } text ? Names.Value(text, "description", "description", MaxDescription) : null,
            RunId = run?.Id,
            ForeignRunId = foreign,
            JobId = run?.JobId,
            Source = source,
            StorageLocation = origin?.Uri,
            RunLink = call.Text("run_link"),
            LoggedModelId = logged?.Id,
            Tags = JsonTags.Write(RunApi.Tags(call, "tags", 100, Names.MaxRegistryTag)),
            Signature = described.Signature?.GetRawText(),
            InputExample = described.InputExample?.GetRawText(),
            OriginId = origin?.Version?.Id,
            CreatedBy = call.Caller.Role is CallerRole.Member or CallerRole.Administrator ? call.Caller.UserId : null,
        };
        var number = await editor.CreateVersionAsync(
            version,
            (work, added) => named is null ? Task.CompletedTask : LoggedModelStore.NameVersionAsync(work, named.Id, model.Name, added, time.GetUtcNow()),
            call.Token);
        await WriteAsync(call, await store.RequireVersionAsync(call.ProjectId, model.Name, $"{number}", call.Token));
    }

    /// <summary><c>model-versions/get</c>.</summary>
    public async Task GetAsync(MLflowCall call) => await WriteAsync(call, await VersionAsync(call));

    /// <summary><c>model-versions/update</c>.</summary>
    public async Task UpdateAsync(MLflowCall call)
    {
        var version = await VersionAsync(call);
        var description = Names.Value(call.Text("description") ?? string.Empty, "description", "description", MaxDescription);
        await editor.DescribeVersionAsync(version.Id, description, call.Token);
        await GetAsync(call);
    }

    /// <summary><c>model-versions/delete</c>: its aliases go with it.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        await editor.DeleteVersionAsync(await VersionAsync(call), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>model-versions/transition-stage</c>.</summary>
    public async Task TransitionAsync(MLflowCall call)
    {
        var version = await VersionAsync(call);
        var stage = Stage(call.RequiredText("stage"));
        var archive = call.Flag("archive_existing_versions") ?? false;
        if (archive && stage is not ("Staging" or "Production"))
        {
            throw MLflowException.Invalid($"Model version transition cannot archive existing model versions because '{stage}' is not an Active stage. Valid stages are Staging, Production");
        }

        await moves.SetStageAsync(
            new VersionPlace(version.ModelId, version.Name, call.ProjectId, version.Version), Enum.Parse<ModelStage>(stage), archive, call.Caller, call.Token);
        await GetAsync(call);
    }

    /// <summary><c>model-versions/set-tag</c>.</summary>
    public async Task SetTagAsync(MLflowCall call)
    {
        var version = await VersionAsync(call);
        var key = Names.Key(call.RequiredText("key"), "tag");
        var value = Names.Value(call.Text("value") ?? string.Empty, "tag", key, Names.MaxRegistryTag);
        await editor.SetVersionTagAsync(call.ProjectId, version, key, value, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>model-versions/delete-tag</c>: no error when there is none.</summary>
    public async Task DeleteTagAsync(MLflowCall call)
    {
        var version = await VersionAsync(call);
        await editor.DeleteVersionTagAsync(call.ProjectId, version, call.RequiredText("key"), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>model-versions/get-download-uri</c>.</summary>
    public async Task DownloadUriAsync(MLflowCall call)
    {
        var version = await VersionAsync(call);
        var logged = version.LoggedModelId is { } model ? await models.RequireAsync(model, call.Caller, call.Token) : null;
        await call.WriteAsync(json => json.WriteString("artifact_uri"u8, UriOf(version, logged)));
    }

    /// <summary>Where the files of a version are, and the run that it came from.</summary>
    public async Task<(string Uri, KnownRun? Run)> LocationAsync(string projectId, string name, string version, Caller caller, CancellationToken cancellationToken)
    {
        var row = await store.RequireVersionAsync(projectId, name, version, cancellationToken);
        var logged = row.LoggedModelId is { } model ? await models.RequireAsync(model, caller, cancellationToken) : null;
        return (UriOf(row, logged), row.RunId is { } run ? await runs.FindAsync(run, caller, cancellationToken) : null);
    }

    /// <summary><c>model-versions/search</c>.</summary>
    public async Task SearchAsync(MLflowCall call)
    {
        var limit = Math.Min(MaxPage, call.MaxResults(DefaultResults, MaxResults));
        var offset = Offsets.Read(call.Text("page_token"));
        var sql = new SearchSql(Columns).OrderBy(FilterParser.Order(call.Texts("order_by"), SearchDialect.ModelVersions));
        var prompts = PromptFilter.Apply(sql, FilterParser.Parse(call.Text("filter"), SearchDialect.ModelVersions), "m.tags", "v.tags");
        sql.Parameters.Add("project", call.ProjectId);
        sql.Parameters.Add("limit", limit + 1);
        sql.Parameters.Add("offset", offset);
        await using var connection = await database.OpenAsync(call.Token);
        var rows = (await connection.QueryAsync<VersionRow>(new CommandDefinition(
            $"""
            {VersionRow.Select}{sql.Joins} WHERE v.project_id = @project AND m.deleted_at IS NULL AND v.deleted_at IS NULL{sql.Where}{prompts}
            ORDER BY {(sql.Order.Length > 0 ? sql.Order : "date_trunc('milliseconds', v.updated_at) DESC, ")}{Name}, v.version DESC LIMIT @limit OFFSET @offset
            """,
            sql.Parameters,
            cancellationToken: call.Token))).AsList();
        await call.WritePageAsync("model_versions", rows, limit, offset, RegistryJson.Write);
    }

    private static string UriOf(VersionRow version, LoggedModelRow? logged) => logged?.ArtifactUri ?? version.StorageLocation ?? version.Source ?? string.Empty;

    // models:/{name}/{version} and models:/{logged model} mean what is there now. MLflow's own answer where there is nothing has the
    // code INTERNAL_ERROR, which its clients take for a passing fault and repeat.
    private async Task<Origin?> OriginAsync(string source, MLflowCall call)
    {
        const string scheme = "models:/";
        if (!source.StartsWith(scheme, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            var path = source[scheme.Length..].Trim('/');
            var version = path.Split('/') is [var name, var number] ? await store.RequireVersionAsync(call.ProjectId, name, number, call.Token) : null;
            var logged = (version is null ? path : version.LoggedModelId) is { } id ? await models.RequireAsync(id, call.Caller, call.Token) : null;
            return new Origin(version, logged, version is null ? logged!.ArtifactUri : UriOf(version, logged));
        }
        catch (MLflowException exception)
        {
            throw MLflowException.Invalid($"Unable to fetch model from model URI source artifact location '{source}'.Error: {exception.Message}");
        }
    }

    private Task<VersionRow> VersionAsync(MLflowCall call)
        => store.RequireVersionAsync(call.ProjectId, call.RequiredText("name"), call.Text("version") is { Length: > 0 } version ? version : throw MLflowException.Required("version"), call.Token);

    /// <summary>What a version is a copy of, and where its files are.</summary>
    private sealed record Origin(VersionRow? Version, LoggedModelRow? Logged, string Uri);
}
