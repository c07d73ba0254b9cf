using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;
using AiPlatform.Local.Platform;

namespace AiPlatform.Local.Quickstart;

/// <summary>
/// The platform's main job on real data: uploads scikit-learn's handwritten digits, trains a classifier on two ranks, shows
/// the curves while it runs, and names the registered model. What an interrupted run has done is not done again.
/// </summary>
internal sealed class QuickstartDemo(PlatformEndpoints endpoints, string workFolder, Action<string> say) : IDisposable
{
    public const string Project = "quickstart";
    private const string Dataset = "digits";
    public const string Model = "digits-classifier";

    /// <summary>The held-out accuracy that a good training reaches.</summary>
    private const double GoodAccuracy = 0.95;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan ShowInterval = TimeSpan.FromSeconds(2);

    private readonly HttpClient _http = new() { BaseAddress = new Uri(endpoints.Api), Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>How long it trains.</summary>
    public int Epochs { get; init; } = 15;

    private string StateFile => Path.Combine(workFolder, "state.json");

    /// <summary>Whether it has succeeded before.</summary>
    public bool HasSucceeded => PrivateFile.Read<QuickstartState>(StateFile) is { Succeeded: true };

    /// <summary>The job that runs or has run; null before the submission.</summary>
    public string? JobId => PrivateFile.Read<QuickstartState>(StateFile)?.JobId;

    /// <summary>Runs it to the end; true when the model was registered with a good accuracy.</summary>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(workFolder);
        using var tokens = new LoginTokenSource(_http, endpoints.Administrator.UserName, endpoints.Administrator.Password, TimeProvider.System);
        var api = new AiPlatformClient(_http, tokens);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        var job = JobId is { } started
            ? await PersistAsync(token => api.GetJobAsync(started, token), limit.Token).ConfigureAwait(false)
            : await SubmitAsync(api, limit.Token).ConfigureAwait(false);
        job = await WatchAsync(api, job, limit.Token).ConfigureAwait(false);
        var succeeded = await ShowResultAsync(api, job, limit.Token).ConfigureAwait(false);
        if (succeeded)
        {
            PrivateFile.Write(StateFile, new QuickstartState(job.Id, Succeeded: true));
        }
        else
        {
            File.Delete(StateFile); // The next start tries again with a new job.
        }

        return succeeded;
    }

    public void Dispose() => _http.Dispose();

    private async Task<Job> SubmitAsync(AiPlatformClient api, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(workFolder, Dataset);
        say("Quickstart: exporting the handwritten digits of scikit-learn");
        await DigitsExport.RunAsync(folder, Path.Combine(workFolder, "export.log"), cancellationToken).ConfigureAwait(false);
        await PersistAsync(token => IfNew(api.CreateProjectAsync(new CreateProjectRequest(Project, "The first training job"), token)), cancellationToken)
            .ConfigureAwait(false);
        await PersistAsync(
            token => IfNew(api.CreateDatasetAsync(Project, new CreateDatasetRequest(Dataset, "1,797 handwritten digits, 8 × 8 pixels"), token)),
            cancellationToken).ConfigureAwait(false);
        var version = await PersistAsync(
            async token => (await api.GetDatasetAsync(Project, Dataset, token).ConfigureAwait(false)).LatestVersion
                ?? (await api.UploadDatasetVersionAsync(Project, Dataset, folder, "From scikit-learn", token).ConfigureAwait(false)).Version,
            cancellationToken).ConfigureAwait(false);
        say($"Quickstart: dataset {Dataset} version {version} is uploaded");

        var request = new SubmitJobRequest(
            Name: "digits quickstart",
            Experiment: Project,
            Recipe: "image-classifier",
            Params: JsonSerializer.SerializeToElement(new { dataset = Dataset, epochs = Epochs }),
            Datasets: [new JobDataset(Dataset, version)],
            Resources: new JobResources(Nodes: 2, ProcessesPerNode: 1),
            Retry: new JobRetry(MaxAttempts: 10, FirstDelaySeconds: 0.5, MaxDelaySeconds: 10),
            TimeoutSeconds: 900,
            RegisterModel: Model);
        var submission = await PersistAsync(token => api.SubmitJobAsync(Project, request, token), cancellationToken).ConfigureAwait(false);
        PrivateFile.Write(StateFile, new QuickstartState(submission.Job.Id, Succeeded: false));
        say($"Quickstart: job {submission.Job.Id} trains image-classifier on two ranks");
        return submission.Job;
    }

    private async Task<Job> WatchAsync(AiPlatformClient api, Job job, CancellationToken cancellationToken)
    {
        var shownStatus = "";
        var shownEpoch = -1.0;
        var lastShown = Stopwatch.GetTimestamp();
        while (true)
        {
            job = await PersistAsync(token => api.GetJobAsync(job.Id, token), cancellationToken).ConfigureAwait(false);
            var status = $"{job.Status} (attempt {job.Attempt}){(job.Reason is null ? "" : $": {job.Reason}")}";
            if (status != shownStatus)
            {
                say($"  job {status}");
                shownStatus = status;
            }

            var run = await PersistAsync(token => api.GetRunAsync(job.RunId, token), cancellationToken).ConfigureAwait(false);
            var epoch = run.Metrics.FirstOrDefault(metric => metric.Key == "epoch")?.Last ?? 0;

            // Readings of the machine count seconds: the steps of the training are those of what it logs at each of them.
            if (run.Metrics.FirstOrDefault(metric => metric.Key == "loss") is { } loss && (epoch != shownEpoch || Stopwatch.GetElapsedTime(lastShown) > ShowInterval))
            {
                shownEpoch = epoch;
                lastShown = Stopwatch.GetTimestamp();
                say($"  step {loss.LastStep,5}   {string.Join("   ", Curve(run))}");
            }

            if (job.Status is JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled)
            {
                return job;
            }

            await Task.Delay(Poll, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<bool> ShowResultAsync(AiPlatformClient api, Job job, CancellationToken cancellationToken)
    {
        if (job.Status != JobStatus.Succeeded || job.Model?.Split('/') is not [var name, var number])
        {
            say($"Quickstart: the job ended as {job.Status}: {job.Reason ?? "no model was registered"}   {endpoints.Api}/v1/jobs/{job.Id}");
            return false;
        }

        var version = await PersistAsync(
            token => api.GetModelVersionAsync(Project, name, int.Parse(number, CultureInfo.InvariantCulture), token), cancellationToken).ConfigureAwait(false);
        var accuracy = version.Metrics.GetValueOrDefault("val_accuracy", double.NaN);
        say($"Quickstart: {version.Name} version {version.Version} is registered, validation accuracy {accuracy:0.0000}");
        say($"  model  {endpoints.Api}/v1/projects/{Project}/models/{version.Name}/versions/{version.Version}");
        say($"  job    {endpoints.Api}/v1/jobs/{job.Id}");
        say($"  run    {endpoints.Api}/v1/runs/{job.RunId}");
        say($"  data   {string.Join(", ", version.Lineage.DatasetVersions.Select(data => $"{data.Name} version {data.Version}"))}");
        if (accuracy >= GoodAccuracy)
        {
            return true;
        }

        say($"Quickstart: the accuracy is below {GoodAccuracy}");
        return false;
    }

    private static IEnumerable<string> Curve(Run run)
        => from key in (string[])["epoch", "loss", "val_loss", "val_accuracy"]
           join metric in run.Metrics on key equals metric.Key
           select $"{key} {metric.Last.ToString(key == "epoch" ? "0" : "0.0000", CultureInfo.InvariantCulture)}";

    private static async Task<bool> IfNew<T>(Task<T> creation)
    {
        try
        {
            await creation.ConfigureAwait(false);
            return true;
        }
        catch (ApiException exception) when (exception.Code == ErrorCodes.AlreadyExists)
        {
            return false;
        }
    }

    /// <summary>Goes on while the API is away: its process may have been killed and is being started again.</summary>
    private static async Task<T> PersistAsync<T>(Func<CancellationToken, Task<T>> callAsync, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await callAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or ApiException { IsTransient: true }
                || (exception is TaskCanceledException && !cancellationToken.IsCancellationRequested))
            {
                await Task.Delay(Poll, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
