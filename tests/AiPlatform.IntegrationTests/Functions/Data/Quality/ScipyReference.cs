using System.Diagnostics;
using System.Text.Json;

namespace AiPlatform.IntegrationTests.Functions.Data.Quality;

/// <summary>What <c>drift.py</c> computes with the distribution's scipy, once for all tests.</summary>
public sealed class ScipyReference : IAsyncLifetime
{
    /// <summary>Samples, tails and counts with their statistics.</summary>
    public JsonElement Drift { get; private set; }

    /// <inheritdoc />
    public async Task InitializeAsync()
    {
        var file = Path.Combine(Path.GetTempPath(), $"aip-drift-{Guid.NewGuid():N}.json");
        var script = Path.Combine(AppContext.BaseDirectory, "Functions", "Data", "Quality", "drift.py");
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", [script, file]) { RedirectStandardError = true, UseShellExecute = false })!;
        var error = await python.StandardError.ReadToEndAsync();
        await python.WaitForExitAsync();
        Assert.True(python.ExitCode == 0, error);
        Drift = JsonDocument.Parse(await File.ReadAllBytesAsync(file)).RootElement;
        File.Delete(file);
    }

    /// <inheritdoc />
    public Task DisposeAsync() => Task.CompletedTask;
}
