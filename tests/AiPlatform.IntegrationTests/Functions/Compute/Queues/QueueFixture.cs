using AiPlatform.Client;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Projects;
using AiPlatform.Contracts.Queues;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.ServiceBusEmulator;
using AiPlatform.TaskWorker;
using Azure.Messaging.ServiceBus;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;

namespace AiPlatform.IntegrationTests.Functions.Compute.Queues;

/// <summary>
/// Two instances of the functions app on one database, the real broker, and workers that tests start. Several pools let tests run side
/// by side without sharing capacity.
/// </summary>
public sealed class QueueFixture(PostgresFixture postgres, AzuriteFixture azurite, GarnetFixture garnet) : IAsyncLifetime
{
    /// <summary>Of the service identities.</summary>
    public const string Secret = "service-secret";

    private const int Pools = 24;

    private readonly List<HttpClient> _http = [];
    private WebApplication _broker = null!;
    private int _pools;
    private int _names;

    public FunctionsInstance App { get; private set; } = null!;

    /// <summary>The second instance.</summary>
    public FunctionsInstance Other { get; private set; } = null!;

    /// <summary>Acts as the administrator.</summary>
    public AiPlatformClient Api { get; private set; } = null!;

    /// <summary>Acts as a worker.</summary>
    public AiPlatformClient WorkerApi { get; private set; } = null!;

    public HttpClient Administrator { get; private set; } = null!;

    public ServiceBusClient Bus { get; private set; } = null!;

    /// <summary>The broker's connection string.</summary>
    public string Broker { get; private set; } = string.Empty;

    public string Postgres { get; private set; } = string.Empty;

    public Dictionary<string, string?> Settings { get; private set; } = [];

    public async Task InitializeAsync()
    {
        var amqp = TcpPorts.Free();
        var bus = $"Endpoint=sb://127.0.0.1:{amqp};SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0;UseDevelopmentEmulator=true";
        Broker = bus;
        var pools = Enumerable.Range(0, Pools).Select(static i => $"pool-{i}").ToList();
        var queues = pools.SelectMany(TaskQueues.Of).ToList();
        _broker = ServiceBusEmulatorApp.Build(
        [
            "--Logging:LogLevel:Default=Error", $"--ConnectionStrings:Postgres={await postgres.CreateDatabaseAsync("bus")}", $"--ServiceBus:AmqpPort={amqp}",
            "--urls=http://127.0.0.1:0", "--ServiceBus:SharedAccessKeyName=Root", "--ServiceBus:SharedAccessKey=c2VjcmV0",
            .. queues.Select((queue, i) => $"--ServiceBus:Queues:{i}:Name={queue}"),
        ]);
        await _broker.StartReadyAsync();
        Postgres = await postgres.CreateMigratedAsync("queues");
        Settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["urls"] = "http://127.0.0.1:0",
            ["Logging:LogLevel:Default"] = "Error",
            ["ConnectionStrings:Postgres"] = Postgres,
            ["ConnectionStrings:Blob"] = azurite.ConnectionString,
            ["ConnectionStrings:Redis"] = garnet.ConnectionString,
            ["ConnectionStrings:ServiceBus"] = bus,
            ["ConnectionStrings:TaskHub"] = "Endpoint=http://127.0.0.1:1;TaskHub=default;Authentication=None",
            ["Identity:SigningKey"] = Convert.ToBase64String(Enumerable.Repeat((byte)9, 48).ToArray()),
            ["Identity:Administrator:UserName"] = FunctionsFixture.AdministratorName,
            ["Identity:Administrator:Password"] = TestUser.Password,
            ["Identity:ServiceSecrets:orchestrations"] = Secret,
            ["Identity:ServiceSecrets:runner"] = Secret,
            ["Identity:AllowRegistration"] = "true",
            ["Identity:RegistrationsPerMinute"] = "100000",
            ["Tasks:AllowedPrivateHosts:0"] = "127.0.0.1",
            ["Queues:HeartbeatInterval"] = "00:00:00.2",
            ["Queues:WorkerLease"] = "00:00:06",
            ["Queues:ReleaseLease"] = "00:00:10",
            ["DueWork:Interval"] = "00:00:00.2",
        };
        for (var i = 0; i < pools.Count; i++)
        {
            Settings[$"Jobs:Pools:{i}"] = pools[i];
        }

        App = await FunctionsInstance.StartAsync(Settings);
        Other = await FunctionsInstance.StartAsync(Settings);
        Bus = new ServiceBusClient(bus);
        var http = Http(null);
        Api = new AiPlatformClient(http, new LoginTokenSource(http, FunctionsFixture.AdministratorName, TestUser.Password, TimeProvider.System));
        WorkerApi = new AiPlatformClient(http, new ServiceTokenSource(http, "orchestrations", Secret, TimeProvider.System));
        var login = await http.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(FunctionsFixture.AdministratorName, TestUser.Password));
        Administrator = Http(login.AccessToken);
    }

    /// <summary>A pool that no other test uses.</summary>
    public string Pool() => $"pool-{Interlocked.Increment(ref _pools) - 1}";

    /// <summary>A new project's name.</summary>
    public async Task<string> ProjectAsync()
        => (await Api.CreateProjectAsync(new CreateProjectRequest($"queue-{Interlocked.Increment(ref _names)}"), CancellationToken.None)).Name;

    /// <summary>Another account with a project of its own.</summary>
    public async Task<(AiPlatformClient Api, HttpClient Http, string Project)> StrangerAsync()
    {
        var name = $"stranger-{Interlocked.Increment(ref _names)}";
        var tokens = await Http(null).PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest(name, TestUser.Password));
        var http = Http(tokens.AccessToken);
        var api = new AiPlatformClient(http, new FixedTokenSource(tokens.AccessToken));
        return (api, http, (await api.CreateProjectAsync(new CreateProjectRequest(name), CancellationToken.None)).Name);
    }

    /// <summary>Starts a worker of a pool.</summary>
    internal async Task<TestWorker> WorkerAsync(string pool, int slots = 16, ITaskHandler? handler = null, TaskLane lane = TaskLane.Light)
    {
        var recorder = new RecordingHandler(handler);
        var worker = new TaskQueueWorker(
            WorkerApi, Bus, [recorder], new TaskWorkerOptions { Pool = pool, Slots = slots, Lane = lane }, TimeProvider.System, NullLogger<TaskQueueWorker>.Instance);
        await worker.StartAsync(CancellationToken.None);
        return new TestWorker(worker, recorder);
    }

    /// <summary>Submits one task.</summary>
    public Task<QueueTask> SubmitAsync(string project, string pool, SubmitTaskRequest? request = null)
        => Api.SubmitTaskAsync(project, pool, request ?? new SubmitTaskRequest(TaskHandlers.Noop), CancellationToken.None);

    /// <summary>Waits until a task is in a state.</summary>
    public async Task<QueueTask> UntilAsync(string project, string pool, string id, QueueTaskStatus status)
    {
        QueueTask? task = null;
        try
        {
            await Eventually.TrueAsync(
                async () => (task = await Api.GetQueueTaskAsync(project, pool, id, CancellationToken.None)).Status == status, $"task {id} is {status}");
        }
        catch (TimeoutException)
        {
            Assert.Fail($"Task {id} is {task?.Status} ({task?.ErrorKind}: {task?.Reason}), not {status}.");
        }

        return task!;
    }

    public async Task DisposeAsync()
    {
        await App.DisposeAsync();
        await Other.DisposeAsync();
        await Bus.DisposeAsync();
        await _broker.StopAsync();
        await _broker.DisposeAsync();
        _http.ForEach(static http => http.Dispose());
    }

    private HttpClient Http(string? token)
    {
        var client = App.CreateClient(token);
        _http.Add(client);
        return client;
    }
}
