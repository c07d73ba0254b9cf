using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using AiPlatform.Client;
using AiPlatform.Fuzz.Files;
using AiPlatform.Fuzz.Fuzzing;
using AiPlatform.Fuzz.Protocols;
using AiPlatform.Fuzz.Routes;
using Azure.Core.Pipeline;
using Azure.Messaging.ServiceBus.Administration;
using Grpc.Net.Client;

namespace AiPlatform.Fuzz;

/// <summary>Runs a fuzzer from the command line.</summary>
internal static partial class FuzzRun
{
    private const string Queue = "fuzz";
    private const string SessionQueue = "fuzz-sessions";

    private const string Usage = """
        Usage: AiPlatform.Fuzz files|routes|amqp|hub|socket|replay [options]
          --minutes N        how long it goes on (default: 10)
          --seed N           of the random numbers (default: the time)
          --out DIR          where the input of each problem is kept (default: .artifacts/fuzz)
          --kinds A,B        files: which kinds (default: all)
          --kind K           replay: the kind of the file
          --input FILE       replay: a file that a fuzzer kept; every way to read it is timed
          --cases DIR        files: further files to begin from
          --platform DIR     all but files and replay: the data folder of a running platform, which is full of rubbish afterwards
        The exit code is 0 when nothing was found.
        """;

    /// <summary>Runs what the arguments say.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        if (args.Length == 0 || args.Length % 2 == 0)
        {
            await Console.Error.WriteLineAsync(Usage);
            return 2;
        }

        var options = args.Skip(1).Chunk(2).ToDictionary(static pair => pair[0], static pair => pair[1], StringComparer.Ordinal);
        var seed = int.Parse(options.GetValueOrDefault("--seed") ?? $"{Environment.TickCount & int.MaxValue}", CultureInfo.InvariantCulture);
        var minutes = double.Parse(options.GetValueOrDefault("--minutes") ?? "10", CultureInfo.InvariantCulture);
        var report = new FuzzReport(options.GetValueOrDefault("--out") ?? Path.Combine(".artifacts", "fuzz"));
        var budget = FuzzBudget.Of(TimeSpan.FromMinutes(minutes));
        Console.WriteLine($"seed {seed}");
        switch (args[0])
        {
            case "files":
                await new FileFuzzer(report).RunAsync(options.GetValueOrDefault("--kinds")?.Split(',') ?? FileKinds.All, seed, budget, options.GetValueOrDefault("--cases"));
                break;
            case "replay":
                using (var readers = new FileReaders())
                {
                    await readers.ExplainAsync(options["--kind"], await File.ReadAllBytesAsync(options["--input"]), Console.Out, CancellationToken.None);
                }

                break;
            case "routes" or "amqp" or "hub" or "socket":
                using (var platform = new PlatformUnderTest(options["--platform"]))
                {
                    await RunAsync(args[0], platform, report, seed, TimeSpan.FromMinutes(minutes));
                    platform.Gone().ToList().ForEach(name => report.Add(new Finding(args[0], $"The process {name} is gone.", [], string.Empty)));
                }

                break;
            default:
                await Console.Error.WriteLineAsync(Usage);
                return 2;
        }

        Console.WriteLine(report);
        return report.Findings.Count == 0 ? 0 : 1;
    }

    private static async Task RunAsync(string kind, PlatformUnderTest platform, FuzzReport report, int seed, TimeSpan time)
    {
        switch (kind)
        {
            case "routes":
                var routes = new RouteFuzzer(report, platform.Http, platform.Administrator, platform.Services);
                await routes.RunAsync(seed, FuzzBudget.Of(time));
                Console.WriteLine($"Never succeeded: {string.Join(", ", routes.NeverSucceeded)}");
                break;
            case "amqp":
                await CreateQueuesAsync(platform);
                await new AmqpFuzzer(report, new AmqpTarget(platform.Text("serviceBus")), Queue, SessionQueue).RunAsync(seed, FuzzBudget.Of(time));
                break;
            case "hub":
                using (var channel = GrpcChannel.ForAddress(HubAddress().Match(platform.Text("taskHub")).Groups["address"].Value))
                {
                    var hub = new HubFuzzer(report, channel, "fuzz", HubKey().Match(platform.Text("taskHub")).Groups["key"].Value);
                    await hub.RunAsync(seed, FuzzBudget.Of(time));
                    await hub.RequireServingAsync();
                }

                break;
            default:
                await new RunnerSocketFuzzer(report, new AiPlatformClient(platform.Http, platform.Administrator)).RunAsync(seed, time);
                break;
        }
    }

    // Queues that nobody else receives from.
    private static async Task CreateQueuesAsync(PlatformUnderTest platform)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(platform.Text("serviceBusCertificate"));
        using var handler = new SocketsHttpHandler
        {
            SslOptions = { CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificate }, RevocationMode = X509RevocationMode.NoCheck } },
        };
        var client = new ServiceBusAdministrationClient(platform.Text("serviceBusAdministration"), new ServiceBusAdministrationClientOptions { Transport = new HttpClientTransport(handler) });
        foreach (var (name, hasSessions) in (IEnumerable<(string, bool)>)[(Queue, false), (SessionQueue, true)])
        {
            if (!await client.QueueExistsAsync(name))
            {
                await client.CreateQueueAsync(new CreateQueueOptions(name) { RequiresSession = hasSessions, LockDuration = TimeSpan.FromSeconds(5) });
            }
        }
    }

    [GeneratedRegex("Endpoint=(?<address>[^;]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HubAddress();

    [GeneratedRegex("AccessKey=(?<key>[^;]+)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HubKey();
}
