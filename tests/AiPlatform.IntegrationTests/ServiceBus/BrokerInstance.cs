using AiPlatform.Hosting;
using AiPlatform.ServiceBusEmulator;
using Azure.Messaging.ServiceBus;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>A broker in this process, on free ports.</summary>
public sealed class BrokerInstance : IAsyncDisposable
{
    /// <summary>What reads the metrics.</summary>
    public const string MetricsToken = "metrics-of-the-test-broker";

    public const string Key = "c2VjcmV0LWtleS1vZi10aGUtdGVzdHM=";

    /// <summary>A queue with a long lock that dead-letters after three deliveries.</summary>
    public const string Queue = "jobs";

    /// <summary>A queue whose locks last one second.</summary>
    public const string ShortQueue = "short";

    /// <summary>A queue whose messages belong to sessions; a session's lock lasts two seconds.</summary>
    public const string SessionQueue = "sessions";

    /// <summary>The key of JSON web tokens.</summary>
    public const string JwtKey = "a-key-of-at-least-thirty-two-bytes-for-tests";

    private readonly WebApplication _app;

    private BrokerInstance(WebApplication app, int port)
    {
        _app = app;
        Port = port;
        HttpAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    /// <summary>The AMQP port.</summary>
    public int Port { get; }

    /// <summary>Where health and metrics are.</summary>
    public Uri HttpAddress { get; }

    public string ConnectionString => ConnectionStringFor(Port);

    /// <summary>The connection string for the administration API.</summary>
    public string AdministrationConnectionString => ConnectionStringFor(HttpAddress.Port);

    /// <summary>Signalled when the broker stops by itself.</summary>
    public CancellationToken Stopping => _app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    public static string ConnectionStringFor(int port, string key = Key)
        => $"Endpoint=sb://127.0.0.1:{port};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey={key};UseDevelopmentEmulator=true";

    /// <summary>The broker's settings as names and values.</summary>
    public static Dictionary<string, string> Settings(string postgres, int port) => new()
    {
        ["ConnectionStrings:Postgres"] = postgres,
        ["ServiceBus:AmqpPort"] = $"{port}",
        ["ServiceBus:SharedAccessKey"] = Key,
        ["ServiceBus:Queues:0:Name"] = Queue,
        ["ServiceBus:Queues:0:MaxDeliveryCount"] = "3",
        ["ServiceBus:Queues:1:Name"] = ShortQueue,
        ["ServiceBus:Queues:1:LockDurationSeconds"] = "1",
        ["ServiceBus:Queues:1:DeadLetteringOnMessageExpiration"] = "true",
        ["ServiceBus:Queues:2"] = "plain",
        ["ServiceBus:Queues:3:Name"] = SessionQueue,
        ["ServiceBus:Queues:3:RequiresSession"] = "true",
        ["ServiceBus:Queues:3:LockDurationSeconds"] = "2",
        ["ServiceBus:Jwt:SigningKey"] = JwtKey,
        ["Metrics:Token"] = MetricsToken,
        ["Logging:LogLevel:Default"] = "Warning",
        ["urls"] = "http://127.0.0.1:0",
    };

    public static async Task<BrokerInstance> StartAsync(
        string postgres, int? port = null, bool waitUntilReady = true, IReadOnlyDictionary<string, string>? settings = null)
    {
        var amqpPort = port ?? TcpPorts.Free();
        var app = ServiceBusEmulatorApp.Build([.. Settings(postgres, amqpPort).Concat(settings ?? new Dictionary<string, string>()).Select(pair => $"--{pair.Key}={pair.Value}")]);
        await app.StartAsync();
        var instance = new BrokerInstance(app, amqpPort);
        if (waitUntilReady)
        {
            await Eventually.TrueAsync(instance.IsReadyAsync, "the broker is ready");
        }

        return instance;
    }

    public async Task<bool> IsReadyAsync()
    {
        using var http = new HttpClient { BaseAddress = HttpAddress };
        return (await http.GetAsync("/health/ready")).IsSuccessStatusCode;
    }

    public async Task<string> MetricsAsync()
    {
        using var http = new HttpClient { BaseAddress = HttpAddress };
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await http.GetAsync("/metrics")).StatusCode);
        http.DefaultRequestHeaders.Authorization = new("Bearer", MetricsToken);
        return await http.GetStringAsync("/metrics");
    }

    /// <summary>A client that retries quickly.</summary>
    public ServiceBusClient CreateClient(int maxRetries = 20) => CreateClient(ConnectionString, maxRetries);

    public static ServiceBusClient CreateClient(string connectionString, int maxRetries = 20) => new(
        connectionString,
        new ServiceBusClientOptions
        {
            RetryOptions = { MaxRetries = maxRetries, Delay = TimeSpan.FromMilliseconds(50), MaxDelay = TimeSpan.FromMilliseconds(500), TryTimeout = TimeSpan.FromSeconds(15) },
        });

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
