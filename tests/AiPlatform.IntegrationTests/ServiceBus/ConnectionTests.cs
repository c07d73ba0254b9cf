using System.Security.Cryptography.X509Certificates;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Messaging;
using Amqp;
using Amqp.Framing;
using Azure.Core;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Links that end for lack of use, TLS, and access tokens that end.</summary>
[Collection(ServersCollection.Name)]
public sealed class ConnectionTests(PostgresFixture postgres) : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private readonly string _tlsDirectory = Path.Combine(Path.GetTempPath(), $"aip-tls-{Guid.NewGuid():N}");
    private readonly int _tlsPort = TcpPorts.Free();

    public void Dispose()
    {
        if (Directory.Exists(_tlsDirectory))
        {
            Directory.Delete(_tlsDirectory, recursive: true);
        }
    }

    [Fact]
    public async Task Links_without_use_are_detached_and_clients_open_them_again()
    {
        await using var broker = await StartAsync(new() { ["ServiceBus:LinkIdleTimeoutSeconds"] = "1" });
        await using var client = broker.CreateClient();
        await using var sender = client.CreateSender(BrokerInstance.Queue);
        await using var receiver = client.CreateReceiver(BrokerInstance.Queue);
        await using var held = await client.AcceptSessionAsync(BrokerInstance.SessionQueue, "held");
        var handled = new List<string>();
        await using var processor = client.CreateProcessor("plain");
        processor.ProcessMessageAsync += args =>
        {
            lock (handled)
            {
                handled.Add(args.Message.Body.ToString());
            }

            return Task.CompletedTask;
        };
        processor.ProcessErrorAsync += _ => Task.CompletedTask;
        await processor.StartProcessingAsync();
        foreach (var round in (string[])["first", "second"])
        {
            await sender.SendMessageAsync(new ServiceBusMessage(round));
            Assert.Equal(round, (await receiver.ReceiveMessageAsync(Soon))?.Body.ToString());
            await using (var plain = client.CreateSender("plain"))
            {
                await plain.SendMessageAsync(new ServiceBusMessage(round));
            }

            // A link of the bare protocol tells when the time of those above is over too.
            var error = await IdleEndAsync(broker.Port, held);
            Assert.Equal(ErrorCode.DetachForced, error?.Condition);
        }

        await using (var last = client.CreateSender("plain"))
        {
            await last.SendMessageAsync(new ServiceBusMessage("third"));
        }

        await Eventually.TrueAsync(() => Task.FromResult(handled.Count == 3), "the processor handles what comes after its link was detached");
        Assert.Equal(["first", "second", "third"], handled);

        // The session's link had no use either, but its lock was renewed: it is the same receiver that goes on.
        await using var sessions = client.CreateSender(BrokerInstance.SessionQueue);
        await sessions.SendMessageAsync(new ServiceBusMessage("for the holder") { SessionId = "held" });
        Assert.Equal("for the holder", (await held.ReceiveMessageAsync(Soon))?.Body.ToString());
    }

    [Fact]
    public async Task Links_over_tls_outlive_the_access_tokens_that_opened_them()
    {
        await using var broker = await StartAsync(TlsSettings());
        var credential = new TokenSource(TimeSpan.FromSeconds(3));
        await using var client = CreateTlsClient(credential, isTrusted: true);
        await using var sender = client.CreateSender(BrokerInstance.Queue);
        await using var receiver = client.CreateReceiver(BrokerInstance.Queue);
        var end = DateTimeOffset.UtcNow.AddSeconds(5);
        while (DateTimeOffset.UtcNow < end)
        {
            await sender.SendMessageAsync(new ServiceBusMessage("x"));
            await receiver.CompleteMessageAsync((await receiver.ReceiveMessageAsync(Soon))!);
            await Task.Delay(200);
        }

        Assert.True(credential.Issued > 3, $"Only {credential.Issued} tokens were asked for.");
        Assert.All(credential.Scopes, scope => Assert.Equal("https://servicebus.azure.net/.default", scope));
    }

    [Fact]
    public async Task A_broker_whose_certificate_is_not_trusted_is_not_talked_to()
    {
        await using var broker = await StartAsync(TlsSettings());
        var credential = new TokenSource(TimeSpan.FromMinutes(5));
        await using var client = CreateTlsClient(credential, isTrusted: false);
        var exception = await Assert.ThrowsAsync<ServiceBusException>(() => client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("x")));
        Assert.Equal(ServiceBusFailureReason.ServiceCommunicationProblem, exception.Reason);
        Assert.Equal(0, credential.Issued);
    }

    private static async Task<Error?> IdleEndAsync(int port, ServiceBusSessionReceiver held)
    {
        var connection = await new ConnectionFactory().CreateAsync(new Address("127.0.0.1", port, "RootManageSharedAccessKey", BrokerInstance.Key, "/", "amqp"));
        var ended = new TaskCompletionSource<Error?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var link = new SenderLink(new Session(connection), "idle", BrokerInstance.Queue);
        link.AddClosedCallback((_, error) => ended.TrySetResult(error));
        while (await Task.WhenAny(ended.Task, Task.Delay(300)) != ended.Task)
        {
            await held.RenewSessionLockAsync();
        }

        await connection.CloseAsync();
        return await ended.Task;
    }

    private async Task<BrokerInstance> StartAsync(Dictionary<string, string> settings)
        => await BrokerInstance.StartAsync(await postgres.CreateDatabaseAsync("servicebus"), settings: settings);

    private Dictionary<string, string> TlsSettings() => new() { ["ServiceBus:AmqpsPort"] = $"{_tlsPort}", ["ServiceBus:TlsDirectory"] = _tlsDirectory };

    private ServiceBusClient CreateTlsClient(TokenCredential credential, bool isTrusted)
    {
        var options = new ServiceBusClientOptions
        {
            CustomEndpointAddress = new Uri($"sb://localhost:{_tlsPort}"),
            TokenLifetime = TimeSpan.FromSeconds(3),
            RetryOptions = { MaxRetries = 0 },
        };
        if (isTrusted)
        {
            using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_tlsDirectory, "servicebus.crt"));
            var thumbprint = authority.Thumbprint;
            options.CertificateValidation = (_, certificate, _, errors)
                => certificate is X509Certificate2 given && given.Thumbprint == thumbprint && !errors.HasFlag(System.Net.Security.SslPolicyErrors.RemoteCertificateNameMismatch);
        }

        return new ServiceBusClient("localhost", credential, options);
    }

    private sealed class TokenSource(TimeSpan lifetime) : TokenCredential
    {
        private int _issued;

        public int Issued => _issued;

        public System.Collections.Concurrent.ConcurrentBag<string> Scopes { get; } = [];

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _issued);
            foreach (var scope in requestContext.Scopes)
            {
                Scopes.Add(scope);
            }

            return new AccessToken(AdministrationTests.Token(lifetime: lifetime), DateTimeOffset.UtcNow + lifetime);
        }

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
            => ValueTask.FromResult(GetToken(requestContext, cancellationToken));
    }
}
