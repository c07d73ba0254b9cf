using AiPlatform.Client;
using AiPlatform.Client.Datasets;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Garbage;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Tracking;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Data;

/// <summary>A person with a project and a folder of files, as the dataset tests need them.</summary>
internal sealed class DatasetWorld : IDisposable
{
    private readonly HttpClient _storage = new();

    private DatasetWorld(FunctionsFixture functions, TestUser user, string projectId)
    {
        Functions = functions;
        User = user;
        ProjectId = projectId;
        Api = new AiPlatformClient(user.Client, new FixedTokenSource(user.AccessToken));
    }

    public FunctionsFixture Functions { get; }

    public TestUser User { get; }

    public string ProjectId { get; }

    public AiPlatformClient Api { get; }

    public string Root => $"/v1/projects/{ProjectId}/datasets";

    /// <summary>What the next upload takes.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("aip-dataset-").FullName;

    public static async Task<DatasetWorld> CreateAsync(FunctionsFixture functions, params string[] datasets)
    {
        var user = await functions.CreateUserAsync();
        var world = new DatasetWorld(functions, user, (await functions.CreateProjectAsync(user.Client)).Id);
        foreach (var dataset in datasets)
        {
            await world.Api.CreateDatasetAsync(world.ProjectId, new CreateDatasetRequest(dataset), CancellationToken.None);
        }

        return world;
    }

    public static byte[] RandomBytes(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public void Write(string path, byte[] content)
    {
        var file = Path.Combine(Folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllBytes(file, content);
    }

    public Task<DatasetVersion> UploadAsync(string dataset, UploadSettings? settings = null, HttpClient? storage = null, CancellationToken cancellationToken = default)
        => new DatasetUploader(Api, storage ?? _storage).UploadAsync(ProjectId, dataset, LocalFile.From(Folder), settings ?? new UploadSettings(), null, cancellationToken);

    /// <summary>A file as the API streams it.</summary>
    public async Task<byte[]> ReadAsync(string dataset, int version, string path)
    {
        await using var stream = await Api.OpenDatasetFileAsync(ProjectId, dataset, version, path, CancellationToken.None);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes);
        return bytes.ToArray();
    }

    /// <summary>Bytes of all blobs of the project.</summary>
    public async Task<long> StoredBytesAsync() => (await BlobsAsync()).Sum(blob => blob.Length);

    /// <summary>All blobs of the project, uploads included.</summary>
    public async Task<IReadOnlyList<(string Name, long Length)>> BlobsAsync()
    {
        var service = new Azure.Storage.Blobs.BlobContainerClient(Functions.Settings["ConnectionStrings:Blob"], BlobStorage.Datasets);
        var blobs = new List<(string, long)>();
        await foreach (var blob in service.GetBlobsAsync(Azure.Storage.Blobs.Models.BlobTraits.None, Azure.Storage.Blobs.Models.BlobStates.Uncommitted, $"{ProjectId}/", CancellationToken.None))
        {
            blobs.Add((blob.Name, blob.Properties.ContentLength ?? 0));
        }

        return blobs;
    }

    /// <summary>Collects garbage as if everything had been deleted long ago.</summary>
    public Task CollectAsync() => Functions.App.Services.GetRequiredService<GarbageCollector>().CollectAsync(TimeSpan.Zero, withGrace: false, CancellationToken.None);

    public void Dispose()
    {
        _storage.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
