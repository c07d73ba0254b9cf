using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using AiPlatform.Hosting;
using AiPlatform.IntegrationTests.Servers;
using Amqp;
using Amqp.Framing;
using Amqp.Sasl;
using Azure.Core;
using Azure.Messaging.ServiceBus;
using Azure.Messaging.ServiceBus.Administration;

namespace AiPlatform.IntegrationTests.ServiceBus;

/// <summary>Links that end for lack of use, TLS, and access tokens that end.</summary>
[Collection(ServiceBusCollection.Name)]
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
        var administration = new ServiceBusAdministrationClient(broker.AdministrationConnectionString);
        await administration.CreateQueueAsync(new CreateQueueOptions("holding") { RequiresSession = true, LockDuration = TimeSpan.FromSeconds(30) });
        await using var held = await client.AcceptSessionAsync("holding", "held");
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

        await Eventually.TrueAsync(
            async () =>
            {
                await held.RenewSessionLockAsync();
                return handled.Count == 3;
            },
            "the processor handles what comes after its link was detached");
        Assert.Equal(["first", "second", "third"], handled);

        // The session's link had no use either, but its lock was renewed: it is the same receiver that goes on.
        await using var sessions = client.CreateSender("holding");
        await sessions.SendMessageAsync(new ServiceBusMessage("for the holder") { SessionId = "held" });
        Assert.Equal("for the holder", (await held.ReceiveMessageAsync(Soon))?.Body.ToString());
    }

    [Fact]
    public async Task Work_over_tls_outlives_the_access_tokens_that_it_began_with()
    {
        await using var broker = await StartAsync(TlsSettings());
        var credential = new TokenSource(TimeSpan.FromSeconds(3));
        await using var client = CreateTlsClient(credential, isTrusted: true, maxRetries: 3);
        await using var sender = client.CreateSender(BrokerInstance.Queue);
        await using var receiver = client.CreateReceiver(BrokerInstance.Queue);
        var end = DateTimeOffset.UtcNow.AddSeconds(8);
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
    public async Task A_link_stays_open_while_its_tokens_are_renewed_and_ends_with_the_last()
    {
        await using var broker = await StartAsync([]);
        var factory = new ConnectionFactory();
        factory.SASL.Profile = SaslProfile.Anonymous;
        var connection = await factory.CreateAsync(new Address("127.0.0.1", broker.Port, null, null, "/", "AMQP"));
        var session = new Session(connection);
        Task<int> RenewAsync() => RawAmqp.PutTokenAsync(
            session, "servicebus.windows.net:sastoken",
            TestSignature.Create($"sb://127.0.0.1/{BrokerInstance.Queue}", "RootManageSharedAccessKey", BrokerInstance.Key, DateTimeOffset.UtcNow.AddSeconds(3)),
            $"sb://127.0.0.1/{BrokerInstance.Queue}");
        Assert.Equal(202, await RenewAsync());
        var ended = new TaskCompletionSource<Error?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var sender = new SenderLink(session, "lasting", BrokerInstance.Queue);
        sender.AddClosedCallback((_, error) => ended.TrySetResult(error));
        for (var round = 0; round < 6; round++)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
            Assert.Equal(202, await RenewAsync());
            await sender.SendAsync(new Message("x"));
        }

        Assert.False(ended.Task.IsCompleted);
        await Task.Delay(TimeSpan.FromSeconds(4));
        var refusal = await Assert.ThrowsAsync<AmqpException>(() => sender.SendAsync(new Message("late")));
        Assert.Equal(ErrorCode.UnauthorizedAccess, refusal.Error.Condition);
        Assert.Equal(ErrorCode.UnauthorizedAccess, (await ended.Task.WaitAsync(Soon))?.Condition);
        await connection.CloseAsync();
    }

    [Fact]
    public async Task A_broker_whose_certificate_is_not_trusted_is_not_talked_to()
    {
        await using var broker = await StartAsync(TlsSettings());
        var credential = new TokenSource(TimeSpan.FromMinutes(5));
        await using var client = CreateTlsClient(credential, isTrusted: false);
        await Assert.ThrowsAsync<AuthenticationException>(() => client.CreateSender(BrokerInstance.Queue).SendMessageAsync(new ServiceBusMessage("x")));
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

    private ServiceBusClient CreateTlsClient(TokenCredential credential, bool isTrusted, int maxRetries = 0)
    {
        var options = new ServiceBusClientOptions
        {
            CustomEndpointAddress = new Uri($"sb://localhost:{_tlsPort}"),
            RetryOptions = { MaxRetries = maxRetries, Delay = TimeSpan.FromMilliseconds(50) },
        };
        if (isTrusted)
        {
            using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(_tlsDirectory, "servicebus.crt"));
            var thumbprint = authority.Thumbprint;
            options.CertificateValidationCallback = (_, certificate, _, errors)
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
