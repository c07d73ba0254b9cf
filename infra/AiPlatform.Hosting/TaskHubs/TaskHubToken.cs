using Azure.Core;
using Azure.Identity;

namespace AiPlatform.Hosting.TaskHubs;

/// <summary>
/// Gets and keeps the bearer token of one connection string; a new one is fetched five minutes before the old one expires.
/// </summary>
internal sealed class TaskHubToken(TokenCredential credential, string resourceId, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan RefreshBefore = TimeSpan.FromMinutes(5);

    private readonly TokenRequestContext _scope = new([$"{resourceId}/.default"]);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile Held? _held;

    /// <summary>
    /// The credential that the connection string asks for; null for <c>None</c>. <c>AccessKey</c> is our hub's, the others are those of
    /// Azure.Identity.
    /// </summary>
    /// <exception cref="ArgumentException">The kind of authentication is not known.</exception>
    public static TokenCredential? Create(TaskHubConnectionString connection)
        => connection.Authentication.ToUpperInvariant().Replace(" ", string.Empty, StringComparison.Ordinal) switch
        {
            "NONE" => null,
            "ACCESSKEY" => new AccessKeyCredential(connection.AccessKey
                ?? throw new ArgumentException("Authentication=AccessKey needs an AccessKey.", nameof(connection))),
            "DEFAULTAZURE" => new DefaultAzureCredential(DefaultAzure(connection)),
            "MANAGEDIDENTITY" => new ManagedIdentityCredential(
                connection.ClientId is { } id ? ManagedIdentityId.FromUserAssignedClientId(id) : ManagedIdentityId.SystemAssigned),
            "WORKLOADIDENTITY" => new WorkloadIdentityCredential(WorkloadIdentity(connection)),
            "ENVIRONMENT" => new EnvironmentCredential(Options<EnvironmentCredentialOptions>(connection)),
            "AZURECLI" => new AzureCliCredential(Options<AzureCliCredentialOptions>(connection)),
            "AZUREDEVELOPERCLI" => new AzureDeveloperCliCredential(Options<AzureDeveloperCliCredentialOptions>(connection)),
            "AZUREPOWERSHELL" => new AzurePowerShellCredential(Options<AzurePowerShellCredentialOptions>(connection)),
            "VISUALSTUDIO" => new VisualStudioCredential(Options<VisualStudioCredentialOptions>(connection)),
            "VISUALSTUDIOCODE" => new VisualStudioCodeCredential(Options<VisualStudioCodeCredentialOptions>(connection)),
            "INTERACTIVEBROWSER" => new InteractiveBrowserCredential(Options<InteractiveBrowserCredentialOptions>(connection)),
            "DEVICECODE" => new DeviceCodeCredential(Options<DeviceCodeCredentialOptions>(connection)),
            _ => throw new ArgumentException(
                $"Authentication '{connection.Authentication}' is not one of None, AccessKey, DefaultAzure, ManagedIdentity, WorkloadIdentity, "
                + "Environment, AzureCLI, AzureDeveloperCLI, AzurePowerShell, VisualStudio, VisualStudioCode, InteractiveBrowser, DeviceCode.",
                nameof(connection)),
        };

    /// <summary>A token that is valid for at least the next minutes.</summary>
    public async ValueTask<string> GetAsync(CancellationToken cancellationToken)
    {
        if (_held is { } held && IsFresh(held))
        {
            return held.Token;
        }

        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_held is { } newer && IsFresh(newer))
            {
                return newer.Token;
            }

            var token = await credential.GetTokenAsync(_scope, cancellationToken).ConfigureAwait(false);
            _held = new Held(token.Token, token.ExpiresOn);
            return token.Token;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private bool IsFresh(Held held) => held.ExpiresOn - RefreshBefore > time.GetUtcNow();

    private static WorkloadIdentityCredentialOptions WorkloadIdentity(TaskHubConnectionString connection)
    {
        // Unset properties keep the defaults, which read the environment.
        var options = Options<WorkloadIdentityCredentialOptions>(connection);
        options.ClientId = connection.ClientId ?? options.ClientId;
        options.TenantId = connection.TenantId ?? options.TenantId;
        options.TokenFilePath = connection.TokenFilePath ?? options.TokenFilePath;
        foreach (var tenant in connection.AdditionallyAllowedTenants)
        {
            options.AdditionallyAllowedTenants.Add(tenant);
        }

        return options;
    }

    private static DefaultAzureCredentialOptions DefaultAzure(TaskHubConnectionString connection)
    {
        var options = Options<DefaultAzureCredentialOptions>(connection);
        options.ManagedIdentityClientId = connection.ClientId ?? options.ManagedIdentityClientId;
        options.WorkloadIdentityClientId = connection.ClientId ?? options.WorkloadIdentityClientId;
        options.TenantId = connection.TenantId ?? options.TenantId;
        return options;
    }

    private static T Options<T>(TaskHubConnectionString connection)
        where T : TokenCredentialOptions, new()
    {
        var options = new T();
        options.AuthorityHost = connection.AuthorityHost ?? options.AuthorityHost;
        return options;
    }

    private sealed record Held(string Token, DateTimeOffset ExpiresOn);

    /// <summary>A token that was agreed on beforehand.</summary>
    private sealed class AccessKeyCredential(string key) : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
            => new(key, DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
            => ValueTask.FromResult(GetToken(requestContext, cancellationToken));
    }
}
