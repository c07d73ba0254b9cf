using System.Text.RegularExpressions;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Ports.MLflow;
using AiPlatform.Ports.Registry;
using AiPlatform.Registry.Models;
using AiPlatform.Registry.Webhooks;
using AiPlatform.Tracking.Runs;
using AiPlatform.Tracking.Search;
using Dapper;
using Npgsql;

namespace AiPlatform.MLflow.Registry;

/// <summary>Registered models of MLflow clients, with their tags and aliases.</summary>
internal sealed partial class RegisteredModelApi(Database database, RegistryReader store, RegistryEditor editor, ModelMoves moves)
{
    private const int MaxName = 250;
    private const int MaxDescription = 100_000;
    private const int DefaultResults = 100;
    private const int MaxResults = 1_000;

    private static readonly SearchColumns Columns = new(
        static attribute => attribute switch
        {
            "name" => "m.name",
            "creation_timestamp" => "floor(extract(epoch FROM m.created_at) * 1000)",
            "last_updated_timestamp" => "floor(extract(epoch FROM m.updated_at) * 1000)",
            _ => throw MLflowException.Invalid($"Invalid attribute key '{attribute}'."),
        },
        static (_, _) => new EntityRows("jsonb_each_text(m.tags) AS {0} (key, value)", "{0}.key = {1}", "{0}.value"))
    {
        Order = static attribute => attribute == "name" ? Name : null,
    };

    private const string Name = "m.name COLLATE \"C\"";

    /// <summary><c>registered-models/create</c>.</summary>
    public async Task CreateAsync(MLflowCall call)
    {
        var name = CheckedName(call.RequiredText("name"));
        var tags = JsonTags.Write(RunApi.Tags(call, "tags", 100, Names.MaxRegistryTag));
        await editor.CreateModelAsync(call.ProjectId, name, Description(call), tags, call.Caller.UserId, call.Token);
        await WriteAsync(call, name);
    }

    /// <summary><c>registered-models/get</c>.</summary>
    public Task GetAsync(MLflowCall call) => WriteAsync(call, call.RequiredText("name"));

    /// <summary><c>registered-models/rename</c>.</summary>
    public async Task RenameAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        var name = CheckedName(call.RequiredText("new_name"));
        await editor.RenameModelAsync(model.Id, name, call.Token);
        await WriteAsync(call, name);
    }

    /// <summary><c>registered-models/update</c>.</summary>
    public async Task UpdateAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        await editor.DescribeModelAsync(model.Id, Description(call), call.Token);
        await WriteAsync(call, model.Name);
    }

    /// <summary><c>registered-models/delete</c>.</summary>
    public async Task DeleteAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        await editor.DeleteModelAsync(model.Id, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>registered-models/search</c> and, of 1.x, <c>registered-models/list</c>.</summary>
    public async Task SearchAsync(MLflowCall call)
    {
        var limit = call.MaxResults(DefaultResults, MaxResults);
        var offset = Offsets.Read(call.Text("page_token"));
        var sql = new SearchSql(Columns).OrderBy(FilterParser.Order(call.Texts("order_by"), SearchDialect.RegisteredModels));
        var prompts = PromptFilter.Apply(sql, FilterParser.Parse(call.Text("filter"), SearchDialect.RegisteredModels), "m.tags");
        sql.Parameters.Add("project", call.ProjectId);
        sql.Parameters.Add("limit", limit + 1);
        sql.Parameters.Add("offset", offset);
        List<RegisteredModelRow> rows;
        await using (var connection = await database.OpenAsync(call.Token))
        {
            rows = (await connection.QueryAsync<RegisteredModelRow>(new CommandDefinition(
                $"""
                SELECT {RegisteredModelRow.Columns} FROM {RegistryRelations.Models} m{sql.Joins} WHERE m.project_id = @project AND m.deleted_at IS NULL{sql.Where}{prompts}
                ORDER BY {sql.Order}{Name} LIMIT @limit OFFSET @offset
                """,
                sql.Parameters,
                cancellationToken: call.Token))).AsList();
        }

        var write = await RegistryJson.WriterAsync(store, rows, call.Token);
        await call.WritePageAsync("registered_models", rows, limit, offset, write);
    }

    /// <summary><c>registered-models/get-latest-versions</c>.</summary>
    public async Task LatestVersionsAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        var stages = call.Texts("stages").Select(ModelVersionApi.Stage).ToHashSet(StringComparer.Ordinal);
        var latest = await store.LatestAsync([model.Id], call.Token);
        await call.WriteAsync(json =>
        {
            json.WriteStartArray("model_versions"u8);
            foreach (var version in latest[model.Id].Where(version => stages.Count == 0 || stages.Contains(version.Stage)))
            {
                RegistryJson.Write(json, version);
            }

            json.WriteEndArray();
        });
    }

    /// <summary><c>registered-models/set-tag</c>.</summary>
    public async Task SetTagAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        var key = Names.Key(call.RequiredText("key"), "tag");
        var value = Names.Value(call.Text("value") ?? string.Empty, "tag", key, Names.MaxRegistryTag);
        await editor.SetModelTagAsync(call.ProjectId, model, key, value, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>registered-models/delete-tag</c>: no error when there is none.</summary>
    public async Task DeleteTagAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        await editor.DeleteModelTagAsync(call.ProjectId, model, call.RequiredText("key"), call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>POST registered-models/alias</c>.</summary>
    public async Task SetAliasAsync(MLflowCall call)
    {
        var alias = CheckedAlias(call.RequiredText("alias"));
        var version = await store.RequireVersionAsync(call.ProjectId, call.RequiredText("name"), call.RequiredText("version"), call.Token);
        await moves.SetAliasAsync(new VersionPlace(version.ModelId, version.Name, call.ProjectId, version.Version), alias, call.Caller, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>DELETE registered-models/alias</c>: no error when there is none.</summary>
    public async Task DeleteAliasAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        var alias = CheckedAlias(call.RequiredText("alias"));
        await moves.DeleteAliasAsync(model.Id, model.Name, call.ProjectId, alias, call.Caller, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>GET registered-models/alias</c>.</summary>
    public async Task GetByAliasAsync(MLflowCall call)
    {
        var model = await store.RequireAsync(call.ProjectId, call.RequiredText("name"), call.Token);
        var alias = call.RequiredText("alias");
        var number = await store.FindAliasAsync(model.Id, alias, call.Token)
            ?? throw MLflowException.Invalid($"Registered model alias {alias} not found.");
        await ModelVersionApi.WriteAsync(call, await store.RequireVersionAsync(call.ProjectId, model.Name, $"{number}", call.Token));
    }

    private async Task WriteAsync(MLflowCall call, string name)
    {
        var model = await store.RequireAsync(call.ProjectId, name, call.Token);
        var write = await RegistryJson.WriterAsync(store, [model], call.Token);
        await call.WriteAsync(json =>
        {
            json.WritePropertyName("registered_model"u8);
            write(json, model);
        });
    }

    private static string? Description(MLflowCall call) => call.Text("description") is { } text ? Names.Value(text, "description", "description", MaxDescription) : null;

    private static string CheckedName(string name)
        => name.Length <= MaxName && !name.Contains('/', StringComparison.Ordinal) && !name.Contains(':', StringComparison.Ordinal)
            ? name
            : throw MLflowException.Invalid($"Invalid model name: '{name}'. It has at most {MaxName} characters and none of '/' and ':'.");

    private static string CheckedAlias(string alias)
    {
        if (!AliasPattern().IsMatch(alias) || alias.Length > 255)
        {
            throw MLflowException.Invalid($"Invalid alias name: '{alias}'. Names may only contain alphanumerics, underscores (_) and dashes (-).");
        }

        return alias.Equals("latest", StringComparison.OrdinalIgnoreCase)
            ? throw MLflowException.Invalid("'latest' alias name (case insensitive) is reserved.")
            : VersionPattern().IsMatch(alias) ? throw MLflowException.Invalid($"Version alias name '{alias}' is reserved.") : alias;
    }

    [GeneratedRegex(@"^[\w\-]+\z", RegexOptions.None, 100)]
    private static partial Regex AliasPattern();

    [GeneratedRegex(@"^[vV]\d+\z", RegexOptions.None, 100)]
    private static partial Regex VersionPattern();
}
