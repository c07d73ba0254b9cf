using AiPlatform.Functions;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Local.Servers;
using Microsoft.Extensions.Logging.Abstractions;

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>A PostgreSQL server in a folder of its own, for tests that are not about what survives the end of the machine.</summary>
internal sealed class TestPostgres : IAsyncDisposable
{
    private static readonly Dictionary<string, string> Settings = new(StringComparer.Ordinal)
    {
        // What was committed still survives the end of any process; only the end of the machine would lose it.
        ["fsync"] = "off",
        ["full_page_writes"] = "off",
        ["wal_level"] = "minimal",
        ["max_wal_senders"] = "0",
        ["max_wal_size"] = "4GB",
        ["checkpoint_timeout"] = "1h",

        // A worker every few seconds for each of hundreds of databases is a tenth of a processor.
        ["autovacuum_naptime"] = "60s",

        // Several collections at the same time.
        ["max_connections"] = "500",
    };

    private readonly string _folder;

    private TestPostgres(string folder, PostgresServer server)
    {
        _folder = folder;
        Server = server;
        Template = new(MakeTemplateAsync);
    }

    public PostgresServer Server { get; }

    /// <summary>The name of a database that has the app's migrations and no connections.</summary>
    public Lazy<Task<string>> Template { get; }

    public static async Task<TestPostgres> StartAsync()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"aip-tests-{Guid.NewGuid():N}")).FullName;
        return new TestPostgres(folder, await PostgresServer.StartAsync(Path.Combine(folder, "postgres"), 0, "test", Settings, CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<string> MakeTemplateAsync()
    {
        var name = $"template_{Guid.NewGuid():N}";
        var state = new StartupState();
        await using (var database = new Database(Server.ConnectionString(name)))
        {
            using var startup = new DatabaseStartup(database, Areas.All, state, [], NullLogger<DatabaseStartup>.Instance);
            await startup.StartAsync(CancellationToken.None);
            await state.WaitAsync(CancellationToken.None);
            await startup.StopAsync(CancellationToken.None);
        }

        return name;
    }
}
