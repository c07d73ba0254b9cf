using System.Text.Json;
using System.Text.Json.Serialization;

namespace AiPlatform.FunctionsHost.App;

/// <summary>The app in its folder: how its worker is started, and what <c>host.json</c> says.</summary>
/// <param name="Directory">The folder, as a full path.</param>
/// <param name="Executable">What starts the worker: <c>dotnet</c>, or the app's own executable.</param>
/// <param name="WorkerFile">The worker's assembly, which <c>dotnet</c> runs; null when the executable is the app's own.</param>
/// <param name="RoutePrefix">What every HTTP route begins with; may be empty.</param>
/// <param name="FunctionTimeout">How long an invocation may take; null: as long as it likes.</param>
internal sealed record FunctionApp(string Directory, string Executable, string? WorkerFile, string RoutePrefix, TimeSpan? FunctionTimeout)
{
    private const string DefaultPrefix = "api";
    private const string Dotnet = "dotnet";
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(30);
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNameCaseInsensitive = true,
        ReadCommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    /// <summary>Reads <c>worker.config.json</c> and <c>host.json</c>.</summary>
    /// <exception cref="InvalidOperationException">The folder holds no isolated app; the message says what is missing.</exception>
    public static FunctionApp Read(string directory)
    {
        var folder = Path.GetFullPath(directory);
        var worker = ReadFile<WorkerConfig>(folder, "worker.config.json").Description
            ?? throw new InvalidOperationException($"{folder}/worker.config.json has no description.");
        var host = ReadFile<HostJson>(folder, "host.json");
        if (worker is not { DefaultExecutablePath: { Length: > 0 } executable, DefaultWorkerPath: { Length: > 0 } file })
        {
            throw new InvalidOperationException($"{folder}/worker.config.json names no executable or no worker.");
        }

        // A self-contained app names itself below {WorkerRoot}.
        var own = executable.Replace("{WorkerRoot}", folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
        var path = Path.IsPathRooted(own) || own == Dotnet ? own : Path.Combine(folder, own);
        return new FunctionApp(
            folder,
            path,
            own == Dotnet ? Path.Combine(folder, file) : null,
            (host.Extensions?.Http?.RoutePrefix ?? DefaultPrefix).Trim('/'),
            Timeout(host.FunctionTimeout, folder));
    }

    private static TimeSpan? Timeout(string? text, string folder) => text switch
    {
        null => DefaultTimeout,
        "-1" => null,
        _ => TimeSpan.TryParse(text, out var timeout) && timeout > TimeSpan.Zero
            ? timeout
            : throw new InvalidOperationException($"{folder}/host.json: '{text}' is not a functionTimeout."),
    };

    private static T ReadFile<T>(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        try
        {
            using var file = File.OpenRead(path);
            return JsonSerializer.Deserialize<T>(file, Json) ?? throw new InvalidOperationException($"{path} is empty.");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidOperationException($"{path} is missing: {folder} is not a built isolated function app.", exception);
        }
        catch (JsonException exception)
        {
            throw new InvalidOperationException($"{path} cannot be read: {exception.Message}", exception);
        }
    }

    private sealed record WorkerConfig(WorkerDescription? Description);

    private sealed record WorkerDescription(string? DefaultExecutablePath, string? DefaultWorkerPath);

    private sealed record HostJson(string? FunctionTimeout, ExtensionsJson? Extensions);

    private sealed record ExtensionsJson(HttpJson? Http);

    private sealed record HttpJson([property: JsonPropertyName("routePrefix")] string? RoutePrefix);
}
