using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Projects;
using AiPlatform.Identity.Accounts;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions;

/// <summary>
/// The functions app on a database of its own, with real Blob storage and Redis. Use it as a class fixture in classes of
/// <see cref="ServersCollection"/>.
/// </summary>
public class FunctionsFixture(PostgresFixture postgres, AzuriteFixture azurite, GarnetFixture garnet) : IAsyncLifetime
{
    public const string AdministratorName = "root-admin";
    public const string OrchestrationsSecret = "orchestrations-secret";
    public const string MetricsToken = "metrics-token";
    public const string RunnerSecret = "runner-secret";

    private readonly List<IDisposable> _clients = [];
    private int _names;

    /// <summary>The first instance.</summary>
    public FunctionsInstance App { get; private set; } = null!;

    /// <summary>Where clients call.</summary>
    public virtual Uri Address => App.Address;

    /// <summary>The database's connection string.</summary>
    public string Postgres { get; private set; } = string.Empty;

    /// <summary>Settings of an instance; change a copy to start another one.</summary>
    public Dictionary<string, string?> Settings { get; private set; } = [];

    /// <summary>A client without a token.</summary>
    public HttpClient Anonymous => Client(null);

    /// <inheritdoc />
    public virtual async Task InitializeAsync()
    {
        Postgres = await postgres.CreateMigratedAsync("functions");
        Settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["urls"] = "http://127.0.0.1:0",
            ["Logging:LogLevel:Default"] = "Error",
            ["ConnectionStrings:Postgres"] = Postgres,
            ["ConnectionStrings:Blob"] = azurite.ConnectionString,
            ["ConnectionStrings:Redis"] = garnet.ConnectionString,
            ["ConnectionStrings:TaskHub"] = "Endpoint=http://127.0.0.1:1;TaskHub=default;Authentication=None",
            ["Identity:SigningKey"] = Convert.ToBase64String(new byte[48].Select(static (_, index) => (byte)index).ToArray()),
            ["Identity:Administrator:UserName"] = AdministratorName,
            ["Identity:Administrator:Password"] = TestUser.Password,
            ["Identity:ServiceSecrets:orchestrations"] = OrchestrationsSecret,
            ["Identity:ServiceSecrets:runner"] = RunnerSecret,
            ["Metrics:Token"] = MetricsToken,
            ["Identity:AllowRegistration"] = "true",
            ["Identity:RegistrationsPerMinute"] = "100000",
        };
        App = await FunctionsInstance.StartAsync(Settings);
    }

    /// <summary>Another instance on the same database and servers.</summary>
    public Task<FunctionsInstance> StartAnotherAsync() => FunctionsInstance.StartAsync(Settings);

    /// <summary>A name that no other test uses.</summary>
    public string Name(string prefix) => $"{prefix}-{Interlocked.Increment(ref _names)}";

    /// <summary>Creates an account.</summary>
    public async Task<TestUser> CreateUserAsync(string? name = null)
        => User(await Anonymous.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest(name ?? Name("user"), TestUser.Password)));

    /// <summary>Logs the bootstrap administrator in.</summary>
    public async Task<TestUser> AdministratorAsync()
        => User(await Anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(AdministratorName, TestUser.Password)));

    /// <summary>Creates a project of the client's user.</summary>
    public Task<Project> CreateProjectAsync(HttpClient client, string? name = null)
        => client.PostAsync<Project>("/v1/projects", new CreateProjectRequest(name ?? Name("project")));

    /// <summary>A client with the role of the orchestrations service.</summary>
    public HttpClient Service() => Client(Issuer.ForService("orchestrations", "service").Token);

    /// <summary>A client with the role of a runner.</summary>
    public HttpClient Runner() => Client(Issuer.ForService("runner", "runner").Token);

    /// <summary>A client with the token of one attempt of a job.</summary>
    public HttpClient Job(string jobId, string runId, int attempt = 1) => Client(Issuer.ForJob(jobId, runId, attempt).Token);

    /// <summary>A client of the app.</summary>
    public HttpClient Client(string? token)
    {
        var client = FunctionsInstance.CreateClient(Address, token);
        lock (_clients)
        {
            _clients.Add(client);
        }

        return client;
    }

    /// <inheritdoc />
    public virtual async Task DisposeAsync()
    {
        await App.DisposeAsync();
        _clients.ForEach(static client => client.Dispose());
    }

    private TokenIssuer Issuer => App.Services.GetRequiredService<TokenIssuer>();

    private TestUser User(TokenResponse tokens) => new(tokens.User!, Client(tokens.AccessToken), tokens.AccessToken, tokens.RefreshToken!);
}
