using System.Globalization;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Queues;
using AiPlatform.Local.Processes;
using AiPlatform.Local.Servers;

namespace AiPlatform.Local.Platform;

/// <summary>How each of the platform's own processes is started: pure functions of ports, secrets and connection strings.</summary>
internal sealed class PlatformServices(
    DataDirectory data, PlatformPorts ports, PlatformSecrets secrets, PostgresServer postgres, AzuriteServer blob, string redis, JobAccount jobs,
    IReadOnlyDictionary<string, string> telemetry)
{
    public const string AdministratorUserName = "admin";
    private const string SharedAccessKeyName = "RootManageSharedAccessKey";
    private const string Pool = "default";
    private static readonly string[] RunnerNames = ["runner-1", "runner-2"];

    /// <summary>An outage of the database is many failed deliveries; a message that nobody can handle still ends in the dead letters.</summary>
    private const int MaxDeliveryCount = 100;

    /// <summary>The HTTP API's address.</summary>
    public string ApiUrl => Url(PlatformPorts.Api);

    /// <summary>The address of the same API through the Functions host.</summary>
    public string FunctionsHostUrl => Url(PlatformPorts.FunctionsHost);

    /// <summary>The hub's connection string.</summary>
    public string TaskHub => $"Endpoint={Url(PlatformPorts.TaskHub)};TaskHub=platform;Authentication=AccessKey;AccessKey={secrets.TaskHubKey}";

    /// <summary>The broker's connection string.</summary>
    public string ServiceBus =>
        $"Endpoint=sb://127.0.0.1:{ports[PlatformPorts.ServiceBus]};SharedAccessKeyName={SharedAccessKeyName};SharedAccessKey={secrets.SharedAccessKey};UseDevelopmentEmulator=true";

    /// <summary>What reads the metrics.</summary>
    public string MetricsToken => secrets.MetricsToken;

    /// <summary>The connection string for the broker's administration API.</summary>
    public string ServiceBusAdministration
        => $"Endpoint=sb://127.0.0.1:{ports[PlatformPorts.ServiceBusHttps]};SharedAccessKeyName={SharedAccessKeyName};SharedAccessKey={secrets.SharedAccessKey}";

    /// <summary>The certificate of the administration API; the broker makes it at its first start.</summary>
    public string ServiceBusCertificate => Path.Combine(data.In("servicebus-tls"), "servicebus.crt");

    /// <summary>The administrator's account.</summary>
    public AdministratorAccount Administrator => new(AdministratorUserName, secrets.AdministratorPassword);

    /// <summary>Those that need only the servers.</summary>
    public IReadOnlyList<ServiceProcess> Foundation => [Hub(), Broker()];

    /// <summary>The functions app with its host.</summary>
    /// <param name="changed">Called when its process is a new one.</param>
    /// <param name="report">Gets a line when it ends and when it is back.</param>
    /// <param name="app">The folder of the app; null for the one that the platform was built with.</param>
    public FunctionsServer Functions(Action changed, Action<string> report, string? app = null)
    {
        const string name = "functions";
        var settings = FunctionsSettings();
        var folder = app ?? ServiceBinaries.Folder("AiPlatform.Functions");
        return new FunctionsServer(
            name,
            options =>
            {
                options.AppDirectory = folder;
                options.AppName = "aiplatform";
                options.HttpPort = ports[PlatformPorts.FunctionsHost];
                options.Postgres = postgres.ConnectionString("functionshost");
                options.DrainTimeout = TimeSpan.FromSeconds(5);
                foreach (var (key, value) in settings)
                {
                    options.Environment[key] = value;
                }
            },
            telemetry,
            new Uri($"{ApiUrl}/health/ready"),
            Path.Combine(data.Logs, $"{name}.log"),
            changed,
            report);
    }

    private Dictionary<string, string> FunctionsSettings() => WithShared(new()
    {
        ["Http__DirectPort"] = Text(ports[PlatformPorts.Api]),
        ["ConnectionStrings__Postgres"] = postgres.ConnectionString("aiplatform"),
        ["ConnectionStrings__Redis"] = redis,
        ["ConnectionStrings__Blob"] = blob.ConnectionString,
        ["ConnectionStrings__ServiceBus"] = ServiceBus,
        ["ConnectionStrings__TaskHub"] = TaskHub,
        ["Identity__SigningKey"] = secrets.SigningKey,
        ["Identity__ServiceSecrets__orchestrations"] = secrets.OrchestrationsSecret,
        ["Identity__ServiceSecrets__runner"] = secrets.RunnerSecret,
        ["Identity__Administrator__UserName"] = AdministratorUserName,
        ["Identity__Administrator__Password"] = secrets.AdministratorPassword,
        ["Identity__Administrator__Email"] = "admin@localhost.localdomain",
    });

    /// <summary>Those that need the foundation.</summary>
    public IReadOnlyList<ServiceProcess> Workers
    {
        get
        {
            var orchestrations = Orchestrations();
            var own = RunnerNames.ToDictionary(static name => name, ports.Add);
            return [orchestrations, .. RunnerNames.Select(name => Runner(name, own[name]))];
        }
    }

    private ServiceProcess Hub() => Service("taskhub", "AiPlatform.TaskHub", Url(PlatformPorts.TaskHubHttp), new()
    {
        ["ConnectionStrings__Postgres"] = postgres.ConnectionString("taskhub"),
        ["ConnectionStrings__Blob"] = blob.ConnectionString,
        ["TaskHub__GrpcPort"] = Text(ports[PlatformPorts.TaskHub]),
        ["TaskHub__HttpPort"] = Text(ports[PlatformPorts.TaskHubHttp]),
        ["TaskHub__BearerToken"] = secrets.TaskHubKey,
    });

    private ServiceProcess Broker()
    {
        var environment = new Dictionary<string, string>
        {
            ["ConnectionStrings__Postgres"] = postgres.ConnectionString("servicebus"),
            ["ServiceBus__AmqpPort"] = Text(ports[PlatformPorts.ServiceBus]),
            ["ServiceBus__HttpPort"] = Text(ports[PlatformPorts.ServiceBusHttp]),
            ["ServiceBus__HttpsPort"] = Text(ports[PlatformPorts.ServiceBusHttps]),
            ["ServiceBus__TlsDirectory"] = data.In("servicebus-tls"),
            ["ServiceBus__SharedAccessKeyName"] = SharedAccessKeyName,
            ["ServiceBus__SharedAccessKey"] = secrets.SharedAccessKey,
        };
        string[] queues = [JobQueues.Events, .. Enum.GetValues<JobPriority>().Select(priority => JobQueues.For(Pool, priority)), .. TaskQueues.Of(Pool)];
        for (var i = 0; i < queues.Length; i++)
        {
            environment[$"ServiceBus__Queues__{i}__Name"] = queues[i];
            environment[$"ServiceBus__Queues__{i}__MaxDeliveryCount"] = Text(MaxDeliveryCount);
        }

        return Service("servicebus", "AiPlatform.ServiceBusEmulator", Url(PlatformPorts.ServiceBusHttp), environment);
    }

    private ServiceProcess Orchestrations()
    {
        var url = $"http://127.0.0.1:{ports.Add("orchestrations")}";
        return Service("orchestrations", "AiPlatform.Orchestrations", url, new()
        {
            ["ASPNETCORE_URLS"] = url,
            ["ConnectionStrings__TaskHub"] = TaskHub,
            ["ConnectionStrings__ServiceBus"] = ServiceBus,
            ["Orchestrations__ApiUrl"] = ApiUrl,
            ["Orchestrations__ClientSecret"] = secrets.OrchestrationsSecret,
        });
    }

    private ServiceProcess Runner(string name, int port)
    {
        var environment = new Dictionary<string, string>
        {
            ["Runner__HttpPort"] = Text(port),
            ["Runner__Name"] = name,
            ["Runner__Pool"] = Pool,
            ["Runner__DataDirectory"] = Path.Combine(jobs.Root, name),
            ["Runner__RunAs"] = JobAccount.Name,
            ["Runner__ApiUrl"] = ApiUrl,
            ["Runner__ClientSecret"] = secrets.RunnerSecret,
            ["Runner__PythonDirectory"] = jobs.PythonDirectory,
            ["ConnectionStrings__ServiceBus"] = ServiceBus,
        };
        foreach (var (i, reserved) in ports.All.Index())
        {
            environment[$"Runner__ReservedPorts__{i}"] = Text(reserved);
        }

        return Service(name, "AiPlatform.GpuRunner", $"http://127.0.0.1:{port}", environment);
    }

    private ServiceProcess Service(string name, string project, string url, Dictionary<string, string> environment)
    {
        var executable = ServiceBinaries.Find(project);
        return new ServiceProcess(
            name,
            new ChildCommand(executable, []) { Environment = WithShared(environment), WorkingDirectory = Path.GetDirectoryName(executable)! },
            new Uri($"{url}/health/ready"),
            Path.Combine(data.Logs, $"{name}.log"));
    }

    private Dictionary<string, string> WithShared(Dictionary<string, string> environment)
    {
        environment["Metrics__Token"] = secrets.MetricsToken;
        foreach (var (name, value) in telemetry)
        {
            environment[name] = value;
        }

        // Many processes share a small machine: memory goes back to the system.
        environment["DOTNET_GCConserveMemory"] = "5";

        // Hexadecimal: 4 MiB. By default the young generation may grow to half of the processor's cache before anybody collects it, and an
        // idle process grows with it for hours.
        environment["DOTNET_GCgen0size"] = "400000";
        environment["Logging__LogLevel__Microsoft.AspNetCore"] = "Warning"; // else two lines for each request
        return environment;
    }

    private string Url(string port) => $"http://127.0.0.1:{ports[port]}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
