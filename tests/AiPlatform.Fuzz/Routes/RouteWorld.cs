using System.IO.Compression;
using System.Text;
using AiPlatform.Client;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Models;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.Fuzz.Routes;

/// <summary>Something of every kind on a platform, so that requests have what they can be about.</summary>
internal static class RouteWorld
{
    private const string Csv = "id,name,price,ok\n1,a,1.5,true\n2,b,2.5,false\n3,中文,-3,true\n";

    /// <summary>Makes a project with a dataset of two versions, an experiment with a run, and a model.</summary>
    public static async Task CreateAsync(AiPlatformClient api, ValuePool pool, Random random, CancellationToken cancellationToken)
    {
        var project = await api.CreateProjectAsync(new CreateProjectRequest($"fuzz-{random.NextInt64(1L << 40):x}"), cancellationToken);
        pool.Prefer("project", project.Name);
        pool.Prefer("pool", "default");
        var dataset = await api.CreateDatasetAsync(project.Name, new CreateDatasetRequest("data"), cancellationToken);
        pool.Prefer("dataset", dataset.Name);
        await UploadAsync(api, project.Name, Csv, cancellationToken);
        await UploadAsync(api, project.Name, Csv + "4,d,4,false\n", cancellationToken);
        foreach (var path in (string[])["t.csv", "t.jsonl", "a.txt", "archive.zip", "文件/i.png"])
        {
            pool.Add("path", path, random);
        }

        var experiment = await api.CreateExperimentAsync(project.Name, new CreateExperimentRequest("experiment"), cancellationToken);
        pool.Prefer("experiment", experiment.Name);
        pool.Prefer("experimentid", experiment.Id);
        var run = await api.CreateRunAsync(project.Name, experiment.Id, new CreateRunRequest(Name: "run"), cancellationToken);
        pool.Prefer("run", run.Id);
        pool.Prefer("runid", run.Id);
        var model = await api.CreateModelAsync(project.Name, new CreateModelRequest("model"), cancellationToken);
        pool.Prefer("model", model.Name);
        pool.Prefer("version", "1");
        pool.Prefer("attempt", "1");
        pool.Prefer("handler", "noop");
        pool.Prefer("kind", "run");
        for (var i = 0; i < 20; i++)
        {
            pool.Add("experimentname", $"e{random.Next()}", random);
        }
    }

    private static async Task UploadAsync(AiPlatformClient api, string project, string csv, CancellationToken cancellationToken)
    {
        var folder = Directory.CreateTempSubdirectory("aip-fuzz-world-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "文件"));
            await File.WriteAllTextAsync(Path.Combine(folder, "t.csv"), csv, cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "t.jsonl"), "{\"a\":1}\n{\"a\":2,\"b\":[1]}\n", cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(folder, "a.txt"), "text\n", cancellationToken);
            File.Copy(Path.Combine(AppContext.BaseDirectory, "Seeds", "valid", "png", "rgb.png"), Path.Combine(folder, "文件", "i.png"));
            await using (var zip = await ZipFile.OpenAsync(Path.Combine(folder, "archive.zip"), ZipArchiveMode.Create, cancellationToken))
            {
                await using var entry = await zip.CreateEntry("in.csv").OpenAsync(cancellationToken);
                await entry.WriteAsync(Encoding.UTF8.GetBytes(csv), cancellationToken);
            }

            await api.UploadDatasetVersionAsync(project, "data", folder, "fuzz", cancellationToken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
