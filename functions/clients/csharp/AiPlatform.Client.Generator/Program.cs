using System.Text.RegularExpressions;
using AiPlatform.Contracts;
using NJsonSchema.CodeGeneration.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;
using NSwag.CodeGeneration.OperationNameGenerators;

namespace AiPlatform.Client.Generator;

/// <summary>Writes the methods of the C# client that are one call each.</summary>
internal static partial class Program
{
    /// <summary>Reads a document and writes a file.</summary>
    public static async Task<int> Main(string[] args)
    {
        if (args is not [var document, var file])
        {
            await Console.Error.WriteLineAsync("Usage: DOCUMENT FILE").ConfigureAwait(false);
            return 2;
        }

        var input = PlainDocument.From(await File.ReadAllTextAsync(document).ConfigureAwait(false));
        var settings = new CSharpClientGeneratorSettings
        {
            ClassName = "AiPlatformClient",
            GenerateDtoTypes = false,
            GenerateOptionalParameters = true,
            OperationNameGenerator = new SingleClientFromOperationIdOperationNameGenerator(),
        };
        settings.CSharpGeneratorSettings.GenerateNullableReferenceTypes = true;
        settings.CSharpGeneratorSettings.JsonLibrary = CSharpJsonLibrary.SystemTextJson;
        settings.CSharpGeneratorSettings.TemplateDirectory = Path.Combine(AppContext.BaseDirectory, "Templates");
        settings.CodeGeneratorSettings.TemplateDirectory = settings.CSharpGeneratorSettings.TemplateDirectory;
        settings.CSharpGeneratorSettings.ArrayType = settings.ResponseArrayType = settings.ParameterArrayType = "IReadOnlyList";
        settings.CSharpGeneratorSettings.DateTimeType = "DateTimeOffset";
        var code = new CSharpClientGenerator(await OpenApiDocument.FromJsonAsync(input.Json).ConfigureAwait(false), settings).GenerateFile();
        code = Pages().Replace(code, "Page<${item}>")
            .Replace("string? if_Match", "long? ifMatch", StringComparison.Ordinal).Replace("if_Match", "ifMatch", StringComparison.Ordinal)
            .Replace("param name=\"@", "param name=\"", StringComparison.Ordinal)
            .Replace("x_ms_continuation_token", "continuationToken", StringComparison.Ordinal);
        foreach (var (path, kept) in input.Rests)
        {
            code = code.Replace($"\"{path}\"", $"\"{kept}\"", StringComparison.Ordinal);
        }

        // A feature brings its records in a namespace of its own.
        var records = typeof(ContractsJson).Assembly.GetExportedTypes().Select(static type => type.Namespace).OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        code = code.Replace($"using {typeof(ContractsJson).Namespace};", string.Join('\n', records.Select(static name => $"using {name};")), StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, code).ConfigureAwait(false);
        return 0;
    }

    [GeneratedRegex(@"\bPageOf(?<item>\w+)\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Pages();
}
