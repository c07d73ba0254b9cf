using System.Diagnostics;
using System.Text.Json;
using AiPlatform.Client;

namespace AiPlatform.Bench.Platform;

/// <summary>A platform of its own, started by <c>infra/up</c> in a temporary data directory and stopped at the end.</summary>
internal sealed class PlatformProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _data;
    private readonly bool _keepsData;
    private readonly HttpClient _http;

    private PlatformProcess(Process process, string data, TimeSpan startup, JsonElement endpoints, bool keepsData)
    {
        _process = process;
        _data = data;
        _keepsData = keepsData;
        Startup = startup;
        Endpoints = endpoints;
        _http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 }) { BaseAddress = ApiUrl };
        var administrator = endpoints.GetProperty("administrator");
        Tokens = new LoginTokenSource(
            _http, administrator.GetProperty("userName").GetString()!, administrator.GetProperty("password").GetString()!, TimeProvider.System);
        Api = new AiPlatformClient(_http, Tokens);
    }

    /// <summary>From the command to a usable URL.</summary>
    public TimeSpan Startup { get; }

    public JsonElement Endpoints { get; }

    public Uri ApiUrl => new(Endpoints.GetProperty("api").GetString()!);

    public ITokenSource Tokens { get; }

    public AiPlatformClient Api { get; }

    public static string RepositoryRoot { get; } = FindRoot();

    public static async Task<PlatformProcess> StartAsync(CancellationToken cancellationToken)
    {
        var data = Directory.CreateTempSubdirectory("aip-bench-").FullName;

        // Open to the accounts of the database and of job code, so that nothing is laid elsewhere.
        File.SetUnixFileMode(data, (UnixFileMode)0b111_101_101);
        // The first start initialises the database cluster; the second is what a user waits for every day.
        await using (var first = await LaunchAsync(data, keepsData: true, cancellationToken))
        {
            Console.Error.WriteLine($"first start: {first.Startup.TotalSeconds:0.0} s");
        }

        return await LaunchAsync(data, keepsData: false, cancellationToken);
    }

    /// <summary>The process id of a part, by its name in <c>endpoints.json</c>.</summary>
    public int ProcessId(string part) => Endpoints.GetProperty("processes").GetProperty(part).GetInt32();

    /// <summary>As <see cref="ProcessId"/>, as it is now: a process that ended has another one.</summary>
    public int CurrentProcessId(string part)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(_data, "endpoints.json")));
        return document.RootElement.GetProperty("processes").GetProperty(part).GetInt32();
    }

    /// <summary>The launcher and all its descendants.</summary>
    public IReadOnlyList<int> ProcessTree() => ProcFileSystem.Tree(_process.Id);

    public async ValueTask DisposeAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]))
        {
            await kill.WaitForExitAsync();
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await _process.WaitForExitAsync(patience.Token);
        _process.Dispose();
        _http.Dispose();
        if (!_keepsData)
        {
            Directory.Delete(_data, recursive: true);
        }
    }

    private static async Task<PlatformProcess> LaunchAsync(string data, bool keepsData, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var start = new ProcessStartInfo(Path.Combine(RepositoryRoot, "infra", "up"), ["--data", data, "--no-demo"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        var process = Process.Start(start) ?? throw new InvalidOperationException("infra/up did not start.");
        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        var file = Path.Combine(data, "endpoints.json");
        while (!File.Exists(file))
        {
            if (process.HasExited)
            {
                throw new InvalidOperationException($"infra/up ended with {process.ExitCode}.");
            }

            await Task.Delay(20, cancellationToken);
        }

        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(file, cancellationToken));
        return new PlatformProcess(process, data, clock.Elapsed, document.RootElement.Clone(), keepsData);
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "AiPlatform.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("Run the bench from a checkout.");
    }
}
