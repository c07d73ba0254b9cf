using System.Diagnostics;
using System.Text.Json;

namespace AiPlatform.IntegrationTests.Functions.Data.Quality;

/// <summary>The data sets inside scikit-learn as CSV, and what numpy and scipy say about them (<c>reference.py</c>).</summary>
internal sealed class ScientificData : IDisposable
{
    private ScientificData(string folder)
    {
        Folder = folder;
        Reference = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "reference.json"))).RootElement;
    }

    public string Folder { get; }

    public JsonElement Reference { get; }

    public static async Task<ScientificData> ExportAsync()
    {
        var folder = Directory.CreateTempSubdirectory("aip-sklearn-").FullName;
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "Functions", "Data", "Quality", "reference.py"), folder])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
        var error = await python.StandardError.ReadToEndAsync();
        await python.WaitForExitAsync();
        Assert.True(python.ExitCode == 0, error);
        return new ScientificData(folder);
    }

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
