using System.Globalization;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.GpuRunner.Launch;
using AiPlatform.GpuRunner.Workspace;
using AiPlatform.TaskWorker;

namespace AiPlatform.GpuRunner.Tasks;

/// <summary>The folder of one attempt; its name marks the attempt's processes.</summary>
internal sealed class TaskWorkspace(string dataDirectory, TaskAssignment assignment)
{
    private const int MaxProgressBytes = 64;

    /// <summary>What the attempt's processes are tagged with.</summary>
    public string Marker { get; } = $"{assignment.TaskId}-{assignment.Fence}-task";

    public string Root => Path.Combine(FolderOf(dataDirectory), Marker);

    public string Code => Path.Combine(Root, "code");

    public string Home => Path.Combine(Root, "home");

    public string Input => Path.Combine(Code, ".aip-task.json");

    public string Result => Path.Combine(Home, ".aip-result.json");

    public string Progress => Path.Combine(Home, ".aip-progress");

    /// <summary>Where the attempts of a runner are.</summary>
    public static string FolderOf(string dataDirectory) => Path.Combine(dataDirectory, "tasks");

    /// <summary>Lays the package and the call out.</summary>
    /// <exception cref="TaskFailedException">A path of the package leaves it.</exception>
    public void Stage(TaskPackageContent package, PythonTaskPayload payload, UnprivilegedAccount? account)
    {
        Directory.CreateDirectory(Code);
        Directory.CreateDirectory(Home);
        foreach (var (path, text) in package.Files)
        {
            var file = SafePath.IsValid(path) ? Path.Combine(Code, path) : throw new TaskFailedException("invalid", $"The path '{path}' is not allowed.");
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        }

        File.WriteAllBytes(Input, JsonSerializer.SerializeToUtf8Bytes(payload, ContractsJson.Strict));
        account?.Own(Code);
        account?.Own(Home);
    }

    /// <summary>What the function said last; null when it said nothing, or nothing that can be read.</summary>
    public double? ReadProgress()
        => Read(Progress, MaxProgressBytes) is { } bytes && double.TryParse(Encoding.UTF8.GetString(bytes), CultureInfo.InvariantCulture, out var value) && !double.IsNaN(value)
            ? Math.Clamp(value, 0, 1)
            : null;

    /// <summary>The function's answer; null when there is none.</summary>
    /// <exception cref="TaskFailedException">The answer is too large, or no object.</exception>
    public JsonElement? ReadAnswer(int maxBytes)
    {
        if (Read(Result, maxBytes + 1) is not { } bytes)
        {
            return null;
        }

        try
        {
            return bytes.Length <= maxBytes && JsonElement.Parse(bytes) is { ValueKind: JsonValueKind.Object } answer
                ? answer
                : throw new TaskFailedException("invalid", $"The result is larger than {maxBytes} bytes, or no JSON object.");
        }
        catch (JsonException exception)
        {
            throw new TaskFailedException("invalid", $"The result is no JSON: {exception.Message}");
        }
    }

    /// <summary>Removes the folder.</summary>
    /// <returns>Why it is still there; null when it is gone.</returns>
    public string? Delete() => JobFolder.TryDelete(Root, Trash.FolderOf(dataDirectory));

    private byte[]? Read(string path, int maxBytes) => JobFile.TryRead(Home, path, maxBytes);
}
