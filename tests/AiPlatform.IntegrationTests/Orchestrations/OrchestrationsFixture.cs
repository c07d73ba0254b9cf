using AiPlatform.Client;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Hosting;
using AiPlatform.Local.Servers;
using AiPlatform.IntegrationTests.Functions;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Orchestrations;
using AiPlatform.ServiceBusEmulator;
using AiPlatform.TaskHub;
using AiPlatform.TaskHub.Cli;
using Azure.Messaging.ServiceBus;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using Microsoft.AspNetCore.Builder;

namespace AiPlatform.IntegrationTests.Orchestrations;

/// <summary>
/// The real task hub, broker, functions app, trigger dispatcher and orchestrations worker in this process, on databases of
/// their own. Runners are played by the tests (<see cref="TestRunner"/>), so that nodes fail and vanish when a test says so.
/// </summary>
public sealed class OrchestrationsFixture(PostgresFixture postgres, AzuriteFixture azurite, GarnetFixture garnet) : IAsyncLifetime
{
    public const string AdministratorName = "admin";

    private const string Secret = "service-secret";

    private readonly List<IAsyncDisposable> _parts = [];
    private HttpClient _http = null!;

    /// <summary>The functions app.</summary>
    public FunctionsInstance Functions { get; private set; } = null!;

    /// <summary>Acts as the administrator.</summary>
    public AiPlatformClient Api { get; private set; } = null!;

    /// <summary>Acts as runners.</summary>
    public AiPlatformClient RunnerApi { get; private set; } = null!;

    public ServiceBusClient Bus { get; private set; } = null!;

    public const string HubKey = "the-key-of-the-test-hub";

    public string HubConnectionString { get; private set; } = string.Empty;

    /// <summary>The storage account.</summary>
    public string BlobConnectionString => azurite.ConnectionString;

    /// <summary>A container outside of the platform, which it was configured with under the name <c>lab</c>.</summary>
    public BlobContainerClient Lab { get; private set; } = null!;

    /// <summary>Where the worker answers health checks.</summary>
    public Uri WorkerAddress { get; private set; } = null!;

    /// <summary>The container by a URL that may list and read.</summary>
    public string LabUrl => Lab.GenerateSasUri(BlobContainerSasPermissions.List | BlobContainerSasPermissions.Read, DateTimeOffset.UtcNow.AddHours(1)).ToString();

    /// <summary>The administrator's access token.</summary>
    public async Task<string?> TokenAsync()
    {
        using var source = new LoginTokenSource(_http, AdministratorName, TestUser.Password, TimeProvider.System);
        return await source.GetTokenAsync(null, CancellationToken.None);
    }

    public async Task InitializeAsync()
    {
        var (grpc, hubHttp, amqp, busHttp) = (TcpPorts.Free(), TcpPorts.Free(), TcpPorts.Free(), TcpPorts.Free());
        var hub = HubConnectionString = $"Endpoint=http://127.0.0.1:{grpc};TaskHub=default;Authentication=AccessKey;AccessKey={HubKey}";
        var bus = $"Endpoint=sb://127.0.0.1:{amqp};SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true";
        await StartAsync(TaskHubApp.Build(Arguments(
            ("ConnectionStrings:Postgres", await postgres.CreateDatabaseAsync("hub")), ("TaskHub:GrpcPort", $"{grpc}"), ("TaskHub:HttpPort", $"{hubHttp}"), ("TaskHub:BearerToken", HubKey))));
        await StartAsync(ServiceBusEmulatorApp.Build(Arguments(
            ("ConnectionStrings:Postgres", await postgres.CreateDatabaseAsync("bus")), ("ServiceBus:AmqpPort", $"{amqp}"), ("ServiceBus:HttpPort", $"{busHttp}"),
            ("ServiceBus:SharedAccessKeyName", "Root"), ("ServiceBus:SharedAccessKey", "c2VjcmV0"),
            ("ServiceBus:Queues:0", JobQueues.Events), ("ServiceBus:Queues:1", JobQueues.For("default", JobPriority.Normal)))));

        Lab = new BlobContainerClient(azurite.ConnectionString, $"lab-{Guid.NewGuid():N}");
        await Lab.CreateAsync();
        Functions = await FunctionsInstance.StartAsync(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["urls"] = "http://127.0.0.1:0",
            ["Logging:LogLevel:Default"] = "Error",
            ["ConnectionStrings:Postgres"] = await postgres.CreateDatabaseAsync("functions"),
            ["ConnectionStrings:Blob"] = azurite.ConnectionString,
            ["ConnectionStrings:Redis"] = garnet.ConnectionString,
            ["ConnectionStrings:TaskHub"] = hub,
            ["Identity:SigningKey"] = Convert.ToBase64String(Enumerable.Repeat((byte)7, 48).ToArray()),
            ["Identity:Administrator:UserName"] = AdministratorName,
            ["Identity:Administrator:Password"] = TestUser.Password,
            ["Identity:ServiceSecrets:orchestrations"] = Secret,
            ["Identity:ServiceSecrets:runner"] = Secret,
            ["OrchestrationSweep:MinAge"] = "00:00:01",
            // The process that calls allows less: its own guard is looked at too.
            ["Tasks:AllowedPrivateHosts:0"] = "127.0.0.1",
            ["Tasks:AllowedPrivateHosts:1"] = "localhost",
            ["Datasets:Imports:MaxBytes"] = $"{64 << 20}",
            ["Datasets:Imports:Containers:lab"] = LabUrl,
        });
        _parts.Add(Functions);
        await StartAsync(OrchestrationsApp.Build(Arguments(
            ("urls", "http://127.0.0.1:0"), ("ConnectionStrings:TaskHub", hub), ("ConnectionStrings:ServiceBus", bus),
            ("Orchestrations:ApiUrl", Functions.Address.ToString()), ("Orchestrations:ClientSecret", Secret),
            ("Tasks:AllowedPrivateHosts:0", "127.0.0.1"))));
        _parts.Add(new Ticking(Functions));

        _http = Functions.CreateClient();
        Api = new AiPlatformClient(_http, new LoginTokenSource(_http, AdministratorName, TestUser.Password, TimeProvider.System));
        RunnerApi = new AiPlatformClient(_http, new ServiceTokenSource(_http, "runner", Secret, TimeProvider.System));
        Bus = new ServiceBusClient(bus);
        _parts.Add(Bus);
    }

    public async Task DisposeAsync()
    {
        await RecordHistoriesAsync();

        // Readers first, servers last.
        _parts.Reverse();
        foreach (var part in _parts)
        {
            await part.DisposeAsync();
        }

        _http.Dispose();
    }

    /// <summary>
    /// Writes the history of every instance into the folder that AIPLATFORM_RECORD_HISTORIES names: the source of the recordings
    /// that the fast tests replay.
    /// </summary>
    private async Task RecordHistoriesAsync()
    {
        if (Environment.GetEnvironmentVariable("AIPLATFORM_RECORD_HISTORIES") is not { Length: > 0 } folder)
        {
            return;
        }

        Directory.CreateDirectory(folder);
        using var list = new StringWriter();
        await TaskHubCommand.RunAsync(["list", "--top", "1000", "--connection", HubConnectionString], list, TextWriter.Null, CancellationToken.None);
        foreach (var line in list.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var columns = line.Split('\t');
            var file = Path.Combine(folder, $"{columns[1]}-{columns[2]}-{columns[0]}.json");
            await TaskHubCommand.RunAsync(["export", columns[0], "--out", file, "--connection", HubConnectionString], TextWriter.Null, TextWriter.Null, CancellationToken.None);
        }
    }

    private static string[] Arguments(params (string Key, string Value)[] settings)
        => ["--Logging:LogLevel:Default=Error", .. settings.Select(setting => $"--{setting.Key}={setting.Value}")];

    private async Task StartAsync(WebApplication app)
    {
        _parts.Add(app);
        await app.StartReadyAsync();
    }
}
