using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Events;
using AiPlatform.Kernel.Postgres;
using Azure.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using StackExchange.Redis;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Real servers that are shown a token where others are shown a password.</summary>
public sealed class IdentityConnectionTests
{
    [Fact]
    public async Task Postgres_is_shown_the_token_of_the_identity()
    {
        // Of its own: TLS is a matter of the whole server.
        await using var postgres = await TestPostgres.StartAsync();
        var connectionString = postgres.Server.ConnectionString("postgres");
        await using (var administration = new NpgsqlConnection(connectionString))
        {
            await administration.OpenAsync();
            await EnableTlsAsync(administration);
            await ExecuteAsync(administration, "CREATE ROLE platform_identity LOGIN PASSWORD 'the-token'");
        }

        var byIdentity = new NpgsqlConnectionStringBuilder(connectionString) { Username = "platform_identity", Password = null, SslMode = SslMode.Require }.ConnectionString;
        var credential = new FixedCredential(static () => new AccessToken("the-token", DateTimeOffset.MaxValue));
        await using (var database = new Database(byIdentity, credential))
        await using (var connection = await database.OpenAsync(CancellationToken.None))
        {
            await using var who = new NpgsqlCommand("SELECT current_user || ' ' || ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", connection);
            Assert.Equal("platform_identity true", await who.ExecuteScalarAsync());
        }

        Assert.Equal(["https://ossrdbms-aad.database.windows.net/.default"], credential.Scopes.Distinct());
        await using var other = new Database(byIdentity, new FixedCredential(static () => new AccessToken("another", DateTimeOffset.MaxValue)));
        var refused = await Assert.ThrowsAsync<PostgresException>(() => other.OpenAsync(CancellationToken.None).AsTask());
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task Redis_is_shown_each_new_token_before_the_old_one_ends()
    {
        using var garnet = new AclGarnet("user default off", "user identity on >token-1 +@all ~*", "user renewed on >token-2 +@all ~*");
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var tokens = 0;
        var credential = new FixedCredential(() => new AccessToken($"token-{++tokens}", time.GetUtcNow().AddHours(1)));
        var options = ConfigurationOptions.Parse($"127.0.0.1:{garnet.Port},user=identity,abortConnect=true");
        var identity = new RedisIdentity(credential, time, NullLogger.Instance);
        await identity.UseAsync(options, CancellationToken.None);
        await using var redis = await ConnectionMultiplexer.ConnectAsync(options);
        Assert.Equal("identity", await WhoAsync(redis));

        // Another name shows that the open connection was shown the new token.
        using var stop = new CancellationTokenSource();
        var keeping = identity.KeepAsync(redis, "renewed", stop.Token);
        time.Advance(TimeSpan.FromMinutes(54));
        Assert.Equal("identity", await WhoAsync(redis));
        time.Advance(TimeSpan.FromMinutes(2));
        for (var attempt = 0; await WhoAsync(redis) != "renewed"; attempt++)
        {
            Assert.True(attempt < 600, "The token was not shown.");
            await Task.Delay(50);
        }

        options.User = "renewed";
        await using var next = await ConnectionMultiplexer.ConnectAsync(options);
        Assert.Equal("renewed", await WhoAsync(next));
        Assert.Equal(["https://redis.azure.com/.default"], credential.Scopes.Distinct());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => keeping);
    }

    [Theory]
    [InlineData("h:10000,user=u,ssl=True", true)]
    [InlineData("h:10000,user=u,password=p,ssl=True", false)]
    [InlineData("h:10000,ssl=True", false)]
    [InlineData("h:10000,user=u", false)]
    public void Redis_wants_an_identity_for_a_user_without_password_over_tls(string connectionString, bool expected)
        => Assert.Equal(expected, RedisIdentity.IsAskedFor(ConfigurationOptions.Parse(connectionString)));

    private static async Task<string?> WhoAsync(ConnectionMultiplexer redis) => (string?)await redis.GetServers()[0].ExecuteAsync("ACL", "WHOAMI");

    // The server writes its own key file, as its own account, readable to nobody else.
    private static async Task EnableTlsAsync(NpgsqlConnection connection)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        foreach (var (file, pem) in (IEnumerable<(string, string)>)[("server.crt", certificate.ExportCertificatePem()), ("server.key", key.ExportPkcs8PrivateKeyPem())])
        {
            await ExecuteAsync(connection, $"COPY (SELECT line FROM unnest(string_to_array('{pem}', E'\\n')) AS line) TO PROGRAM 'umask 077; cat > {file}'");
        }

        await ExecuteAsync(connection, "ALTER SYSTEM SET ssl = on");
        await ExecuteAsync(connection, "SELECT pg_reload_conf()");
        for (var attempt = 0; await ShowAsync(connection, "SHOW ssl") != "on"; attempt++)
        {
            Assert.True(attempt < 600, "The server has no TLS.");
            await Task.Delay(50);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<string?> ShowAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (string?)await command.ExecuteScalarAsync();
    }

    /// <summary>A Garnet with users.</summary>
    private sealed class AclGarnet : IDisposable
    {
        private readonly string _file = Path.GetTempFileName();
        private readonly Garnet.GarnetServer _server;

        public AclGarnet(params string[] users)
        {
            File.WriteAllLines(_file, users);
            Port = TcpPorts.Free();
            _server = new Garnet.GarnetServer(["--bind", "127.0.0.1", "--port", $"{Port}", "--memory", "32m", "--page", "1m", "--index", "1m", "-q", "--logger-level", "Error", "--auth", "ACL", "--acl-file", _file]);
            _server.Start();
        }

        public int Port { get; }

        public void Dispose()
        {
            _server.Dispose();
            File.Delete(_file);
        }
    }
}
