using System.Collections.Concurrent;
using AiPlatform.Messaging.Authorization;
using Amqp;
using Amqp.Framing;
using Amqp.Sasl;
using Amqp.Transactions;

namespace AiPlatform.Messaging.Transport;

/// <summary>
/// The one AMQP connection of a client: made on first use and again after it is lost, with a token put to <c>$cbs</c> for
/// every address that is used, and put again before it expires.
/// </summary>
internal sealed class AmqpConnectionScope : IAsyncDisposable
{
    private const int MaxFrameSize = 64 * 1024;

    private readonly Uri _endpoint;
    private readonly bool _plainTcp;
    private readonly ServiceBusClientOptions _options;
    private readonly ICbsTokenSource _tokens;
    private readonly RecoverableLink<AuthorizedConnection> _connection;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _refresh;

    internal AmqpConnectionScope(Uri endpoint, bool plainTcp, ICbsTokenSource tokens, ServiceBusClientOptions options)
    {
        _endpoint = endpoint;
        _plainTcp = plainTcp;
        _tokens = tokens;
        _options = options;
        _connection = new(
            OpenConnectionAsync, static connection => connection.IsOpen, static connection => connection.DisposeAsync().AsTask(), options.RetryOptions.TryTimeout, options.Time);
        _refresh = RefreshTokensAsync();
    }

    /// <summary>Opens a session on a connection that may use <paramref name="address"/>.</summary>
    internal async Task<Session> OpenSessionAsync(string address, CancellationToken cancellationToken)
        => new((await AuthorizeAsync(address, cancellationToken)).Amqp);

    /// <summary>Opens the management node of an entity.</summary>
    internal async Task<RequestResponseLink> OpenManagementAsync(string entityPath, CancellationToken cancellationToken)
    {
        var address = entityPath + ServiceBusAmqp.ManagementSuffix;
        var connection = await AuthorizeAsync(address, cancellationToken);
        return await RequestResponseLink.OpenAsync(connection.Amqp, address, cancellationToken);
    }

    /// <summary>Opens a link to the transaction coordinator; transactions are for work on the same connection.</summary>
    internal async Task<SenderLink> OpenCoordinatorAsync(CancellationToken cancellationToken)
    {
        var connection = await _connection.GetAsync(cancellationToken);
        var session = new Session(connection.Amqp);
        try
        {
            return await LinkOpening.OpenSenderAsync(
                session,
                $"coordinator-{Guid.NewGuid():N}",
                new Attach
                {
                    Source = new Source(),
                    Target = new Coordinator { Capabilities = [TxnCapabilities.LocalTransactions, TxnCapabilities.MultiTxnsPerSsn] },
                    SndSettleMode = SenderSettleMode.Unsettled,
                },
                null,
                cancellationToken);
        }
        catch
        {
            _ = LinkOpening.CloseAsync(session);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _refresh;
        await _connection.DisposeAsync();
        _stop.Dispose();
    }

    private string Audience(string address)
    {
        var port = _plainTcp ? $":{Port}" : string.Empty;
        return $"sb://{_endpoint.Host}{port}/{address}";
    }

    private int Port => _endpoint.IsDefaultPort || _endpoint.Port <= 0 ? (_plainTcp ? 5672 : 5671) : _endpoint.Port;

    private async Task<AuthorizedConnection> AuthorizeAsync(string address, CancellationToken cancellationToken)
    {
        var connection = await _connection.GetAsync(cancellationToken);
        await connection.AuthorizeAsync(Audience(address), cancellationToken);
        return connection;
    }

    private async Task<AuthorizedConnection> OpenConnectionAsync(CancellationToken cancellationToken)
    {
        var target = _options.CustomEndpointAddress ?? _endpoint;
        var address = _options.CustomEndpointAddress is { Port: > 0 } custom
            ? new Address(custom.Host, custom.Port, null, null, "/", _plainTcp ? "AMQP" : "AMQPS")
            : new Address(target.Host, Port, null, null, "/", _plainTcp ? "AMQP" : "AMQPS");
        var factory = new ConnectionFactory();
        factory.SASL.Profile = SaslProfile.Anonymous;
        factory.AMQP.MaxFrameSize = MaxFrameSize;
        factory.AMQP.ContainerId = $"{_options.Identifier}-{Guid.NewGuid():N}";
        factory.AMQP.HostName = _endpoint.Host;
        factory.AMQP.IdleTimeout = (int)_options.ConnectionIdleTimeout.TotalMilliseconds;
        factory.TCP.NoDelay = true;
        if (_options.CertificateValidation is { } validation)
        {
            factory.SSL.RemoteCertificateValidationCallback = validation;
        }

        var connection = await factory.CreateAsync(address, cancellationToken).WaitAsync(cancellationToken);
        try
        {
            return new AuthorizedConnection(connection, await RequestResponseLink.OpenAsync(connection, ServiceBusAmqp.CbsAddress, cancellationToken), _tokens, _options.Time);
        }
        catch
        {
            _ = LinkOpening.CloseAsync(connection);
            throw;
        }
    }

    private async Task RefreshTokensAsync()
    {
        // Renewed when a third of the usual life is left, with several attempts before the end.
        var margin = _options.TokenLifetime / 3;
        using var timer = new PeriodicTimer(margin / 20, _options.Time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
            {
                if (_connection.Current is { } connection)
                {
                    await connection.RefreshAsync(margin, _stop.Token);
                }
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The client is being disposed of, whatever the connection says to that.
        }
    }

    /// <summary>A connection with its <c>$cbs</c> links and the audiences that it holds tokens for.</summary>
    private sealed class AuthorizedConnection(Connection amqp, RequestResponseLink cbs, ICbsTokenSource tokens, TimeProvider time) : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, DateTimeOffset> _expiries = new();
        private readonly SemaphoreSlim _gate = new(1, 1);

        internal Connection Amqp => amqp;

        internal bool IsOpen => !amqp.IsClosed && cbs.IsOpen;

        public async ValueTask DisposeAsync()
        {
            await LinkOpening.CloseAsync(amqp);
            _gate.Dispose();
        }

        internal async Task AuthorizeAsync(string audience, CancellationToken cancellationToken)
        {
            if (_expiries.TryGetValue(audience, out var expiry) && expiry > time.GetUtcNow())
            {
                return;
            }

            await PutTokenAsync(audience, cancellationToken);
        }

        internal async Task RefreshAsync(TimeSpan margin, CancellationToken cancellationToken)
        {
            var due = time.GetUtcNow() + margin;
            foreach (var (audience, expiry) in _expiries)
            {
                if (expiry >= due)
                {
                    continue;
                }

                try
                {
                    using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                    patience.CancelAfter(margin / 2);
                    await PutTokenAsync(audience, patience.Token);
                }
                catch (Exception) when (!cancellationToken.IsCancellationRequested)
                {
                    // Tried again at the next check. If the token runs out first, the broker detaches the link, and opening it
                    // again asks for a token and shows the error to the caller.
                }
            }
        }

        private async Task PutTokenAsync(string audience, CancellationToken cancellationToken)
        {
            await _gate.WaitAsync(cancellationToken);
            try
            {
                var token = await tokens.GetAsync(audience, cancellationToken);
                var request = new Message(token.Value)
                {
                    ApplicationProperties = new ApplicationProperties
                    {
                        ["operation"] = "put-token",
                        ["type"] = token.Type,
                        ["name"] = audience,
                    },
                };
                if (token.ExpiresOn != DateTimeOffset.MaxValue)
                {
                    request.ApplicationProperties["expiration"] = token.ExpiresOn.UtcDateTime;
                }

                var (status, condition, description) = RequestResponseLink.ReadStatus(await cbs.SendAsync(request, cancellationToken));
                if (status is not (200 or 202))
                {
                    throw AmqpErrors.FromStatus(status, condition, description, audience);
                }

                _expiries[audience] = token.ExpiresOn;
            }
            finally
            {
                _gate.Release();
            }
        }
    }
}
