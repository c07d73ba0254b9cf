using System.Text.Json;
using AiPlatform.Registry.Models;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlScalar = YamlDotNet.Core.Events.Scalar;

namespace AiPlatform.MLflow.Models;

/// <summary>What an <c>MLmodel</c> file, MLflow's description of a model in YAML, says about what goes into the model and what comes out.</summary>
/// <param name="Signature">An object of <c>inputs</c>, <c>outputs</c> and <c>params</c>, each a list of columns; null when the file has none.</param>
/// <param name="ExamplePath">The file of the input example, relative to the folder of this one; null for none.</param>
internal sealed record MLmodel(JsonElement? Signature, string? ExamplePath)
{
    private const string SignatureKey = "signature";
    private const string ExampleKey = "saved_input_example_info";

    // The scanner's work grows with the square of the depth; MLflow's own files have a depth of about five.
    private const int MaxDepth = 64;
    private static readonly string[] Parts = ["inputs", "outputs", "params"];

    /// <summary>Reads a file.</summary>
    /// <exception cref="FormatException">It is no YAML, or its signature has an unknown form.</exception>
    public static MLmodel Parse(string yaml)
    {
        var scalars = Scalars(yaml);
        var parts = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var part in Parts)
        {
            if (scalars.GetValueOrDefault((SignatureKey, part)) is { } text)
            {
                var columns = Json(text);
                parts[part] = columns.ValueKind == JsonValueKind.Array && ModelSignature.IsPart(columns) ? columns : throw new FormatException($"the signature's {part} are no list of columns");
            }
        }

        return new MLmodel(parts.Count > 0 ? JsonSerializer.SerializeToElement(parts) : null, scalars.GetValueOrDefault((ExampleKey, "artifact_path")));
    }

    /// <summary>Reads JSON that the database can hold: Python writes escapes and numbers that <c>jsonb</c> has no place for.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static JsonElement Json(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return IsStorable(document.RootElement) ? document.RootElement.Clone() : throw new FormatException("the JSON holds what cannot be stored");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new FormatException("the JSON cannot be read", exception);
        }
    }

    // Events instead of a tree: nothing is kept of what is not asked for, and no depth of the file becomes a depth of the stack.
    private static Dictionary<(string Section, string Key), string?> Scalars(string yaml)
    {
        var scalars = new Dictionary<(string, string), string?>();
        try
        {
            var parser = new Parser(new StringReader(yaml));
            parser.Consume<StreamStart>();
            parser.Consume<DocumentStart>();
            parser.Consume<MappingStart>();
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                ReadSection(parser, parser.Consume<YamlScalar>().Value, scalars);
            }

            return scalars;
        }
        catch (YamlException exception)
        {
            throw new FormatException($"the YAML cannot be read at line {exception.Start.Line}", exception);
        }
    }

    private static void ReadSection(Parser parser, string section, Dictionary<(string, string), string?> scalars)
    {
        if (section is not (SignatureKey or ExampleKey))
        {
            Skip(parser);
            return;
        }

        if (parser.TryConsume<YamlScalar>(out var whole) && IsNull(whole))
        {
            return;
        }

        if (!parser.TryConsume<MappingStart>(out _))
        {
            throw new FormatException($"{section} is no mapping");
        }

        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var key = parser.Consume<YamlScalar>().Value;
            if (parser.TryConsume<YamlScalar>(out var value))
            {
                scalars[(section, key)] = IsNull(value) ? null : value.Value;
            }
            else if (section == SignatureKey && Parts.Contains(key))
            {
                throw new FormatException($"the signature's {key} are no text");
            }
            else
            {
                Skip(parser);
            }
        }
    }

    private static void Skip(Parser parser)
    {
        var depth = 0;
        do
        {
            depth += parser.Consume<ParsingEvent>().NestingIncrease;
            if (depth > MaxDepth)
            {
                throw new FormatException($"the YAML is nested deeper than {MaxDepth}");
            }
        }
        while (depth > 0);
    }

    private static bool IsNull(YamlScalar scalar) => scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null" or "Null" or "NULL";

    private static bool IsStorable(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().All(static property => !property.Name.Contains('\0', StringComparison.Ordinal) && IsStorable(property.Value)),
        JsonValueKind.Array => json.EnumerateArray().All(IsStorable),
        JsonValueKind.String => !json.GetString()!.Contains('\0', StringComparison.Ordinal),
        JsonValueKind.Number => json.TryGetDouble(out var number) && double.IsFinite(number),
        _ => true,
    };
}
