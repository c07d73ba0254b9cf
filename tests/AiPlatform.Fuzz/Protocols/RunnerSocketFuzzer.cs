using System.Globalization;
using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;
using AiPlatform.Fuzz.Fuzzing;

namespace AiPlatform.Fuzz.Protocols;

/// <summary>Jobs that say random things on the socket to their runner: each must end well, on the same runner processes.</summary>
internal sealed class RunnerSocketFuzzer(FuzzReport report, AiPlatformClient api)
{
    private const double SecondsEach = 60;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>The job's code.</summary>
    public static string Code => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Protocols", "runner_socket.py"));

    /// <summary>Goes on until the time is over.</summary>
    public async Task RunAsync(int seed, TimeSpan time)
    {
        var project = (await api.CreateProjectAsync(new CreateProjectRequest($"fuzz-socket-{seed}"), CancellationToken.None)).Name;
        for (var (round, left) = (0, time.TotalSeconds); left > 1; round++, left -= SecondsEach)
        {
            var code = new JobCode("main.py", new Dictionary<string, string>(StringComparer.Ordinal) { ["main.py"] = With(seed + round, Math.Min(SecondsEach, left)) });
            var submitted = await api.SubmitJobAsync(project, new SubmitJobRequest($"socket-{round}", "fuzz", Code: code, Params: JsonSerializer.SerializeToElement(new { }), TimeoutSeconds: 600), CancellationToken.None);
            await EndAsync(submitted.Job.Id, seed + round);
        }
    }

    /// <summary>The code of a job with this seed and length.</summary>
    public static string With(int seed, double seconds)
        => Code.Replace("int(os.environ.get(\"FUZZ_SEED\", sys.argv[1] if len(sys.argv) > 1 else \"1\"))", seed.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("float(sys.argv[2] if len(sys.argv) > 2 else \"5\")", seconds.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    private async Task EndAsync(string id, int seed)
    {
        using var patience = new CancellationTokenSource(Patience);
        var job = await api.GetJobAsync(id, CancellationToken.None);
        while (job.Status is not (JobStatus.Succeeded or JobStatus.Failed or JobStatus.Cancelled) && !patience.IsCancellationRequested)
        {
            await Task.Delay(Look, CancellationToken.None);
            job = await api.GetJobAsync(id, CancellationToken.None);
        }

        var log = await api.ReadLogAsync(id, job.Attempt, 0, 0, 10_000, CancellationToken.None);
        if (job.Status != JobStatus.Succeeded || job.Attempt != 1)
        {
            report.Add(new Finding("socket", $"{job.Status} in attempt {job.Attempt}: {job.Reason}", BitConverter.GetBytes(seed), log));
            return;
        }

        for (var tried = int.Parse(log.Split("tried ")[1].Split('\n')[0], CultureInfo.InvariantCulture); tried > 0; tried--)
        {
            report.Count("socket said");
        }
    }
}
