using System.Net;
using AiPlatform.Client;
using AiPlatform.Contracts.Runners;
using AiPlatform.GpuRunner.Detect;
using AiPlatform.GpuRunner.Sample;
using AiPlatform.Hosting;
using Microsoft.Extensions.Options;

namespace AiPlatform.GpuRunner.Lease;

/// <summary>Registers the runner and sends heartbeats; each brings commands and fresh tokens back.</summary>
internal sealed class Registration(
    IOptions<RunnerOptions> options, RunnerIdentity identity, AiPlatformClient client, DeviceDetector devices, DeviceSampler sampler,
    ActiveNodes active, TimeProvider time, ILogger<Registration> logger) : BackgroundLoop(time, logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RegistrationPause = TimeSpan.FromMilliseconds(500);

    private readonly ILogger _logger = logger;
    private readonly TimeProvider _time = time;
    private readonly TaskCompletionSource _registered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _interval = TimeSpan.FromSeconds(2);
    private bool _known;

    /// <summary>Ends with the first successful registration.</summary>
    public Task Registered => _registered.Task;

    /// <summary>When the platform last answered.</summary>
    public DateTimeOffset LastContact { get; private set; }

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => _known ? _interval : RegistrationPause;

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        // A call that hangs must not make the runner look dead.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            if (!_known)
            {
                await RegisterAsync(patience.Token).ConfigureAwait(false);
            }

            var request = new HeartbeatRequest(identity.SessionId, active.Draining, sampler.Sample(), active.Running);
            var answer = await client.RunnerHeartbeatAsync(identity.Id, request, patience.Token).ConfigureAwait(false);
            LastContact = _time.GetUtcNow();
            foreach (var token in answer.Tokens)
            {
                active.Renew(token);
            }

            foreach (var command in answer.Commands)
            {
                if (command is { Kind: RunnerCommandKind.Drain, Node: null } && !active.Draining)
                {
                    Logs.Draining(_logger);
                }

                active.Apply(command);
            }
        }
        catch (ApiException exception) when (exception.Status is HttpStatusCode.NotFound && _known)
        {
            Logs.Forgotten(_logger);
            _known = false;
            return true;
        }
        catch (Exception exception) when (exception is HttpRequestException or ApiException { IsTransient: true }
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // Expected while the platform is away: no back-off, so that it hears of us soon after its return.
            Logs.HeartbeatFailed(_logger, exception.Message);
        }

        return false;
    }

    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        var request = new RegisterRunnerRequest(
            identity.Id, identity.SessionId, options.Value.Name, options.Value.Pool, options.Value.MaxNodes, identity.Host, devices.All,
            typeof(Registration).Assembly.GetName().Version?.ToString(3));
        var answer = await client.RegisterRunnerAsync(request, cancellationToken).ConfigureAwait(false);
        _interval = TimeSpan.FromSeconds(Math.Clamp(answer.HeartbeatSeconds, 0.1, 60));
        _known = true;
        LastContact = _time.GetUtcNow();
        _registered.TrySetResult();
        Logs.Registered(_logger, identity.Id, identity.SessionId, options.Value.Pool, options.Value.MaxNodes);
    }
}
