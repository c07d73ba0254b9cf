using System.Text.Json;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.MLflow.Tracking;
using AiPlatform.Registry.Models;

namespace AiPlatform.MLflow.Registry;

/// <summary>Registered models and versions as MLflow's clients read them.</summary>
internal static class RegistryJson
{
    /// <summary>Writes models as clients read them.</summary>
    public static async Task<Action<Utf8JsonWriter, RegisteredModelRow>> WriterAsync(
        RegistryReader registry, IEnumerable<RegisteredModelRow> models, CancellationToken cancellationToken)
    {
        var ids = models.Select(model => model.Id).ToArray();
        var latest = await registry.LatestAsync(ids, cancellationToken);
        var aliases = await registry.AliasesAsync(ids, cancellationToken);
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
