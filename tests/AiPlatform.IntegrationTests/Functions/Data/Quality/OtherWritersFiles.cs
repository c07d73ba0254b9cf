using AiPlatform.IntegrationTests.TaskHub;

namespace AiPlatform.IntegrationTests.Functions.Data.Quality;

/// <summary>Parquet files of the writers of npm, written once for all tests.</summary>
public sealed class OtherWritersFiles : IAsyncLifetime
{
    /// <summary>Where they are.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("aip-other-writers-").FullName;

    /// <inheritdoc />
    public async Task InitializeAsync()
    {
        using var node = Conformance.Start("parquet.files.mjs", [Folder]);
        var errors = node.StandardError.ReadToEndAsync();
        await node.StandardOutput.ReadToEndAsync();
        await node.WaitForExitAsync();
        Assert.True(node.ExitCode == 0, await errors);
    }

    /// <inheritdoc />
    public Task DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return Task.CompletedTask;
    }
}
