using Azure.Core;

namespace AiPlatform.Messaging.Authorization;

/// <summary>A token to put to the <c>$cbs</c> node.</summary>
internal readonly record struct CbsToken(string Type, string Value, DateTimeOffset ExpiresOn);

/// <summary>Where the tokens of a connection come from.</summary>
internal interface ICbsTokenSource
{
    ValueTask<CbsToken> GetAsync(string audience, CancellationToken cancellationToken);
}

/// <summary>Signs a token per audience with a shared access key.</summary>
internal sealed class SharedKeyTokenSource(string keyName, string key, TimeSpan lifetime, TimeProvider time) : ICbsTokenSource
{
    public ValueTask<CbsToken> GetAsync(string audience, CancellationToken cancellationToken)
    {
        var expiresOn = time.GetUtcNow() + lifetime;
        return ValueTask.FromResult(new CbsToken(
            "servicebus.windows.net:sastoken",
            SharedAccessSignature.Create(audience, keyName, key, expiresOn),
            expiresOn));
    }
}

/// <summary>Uses one signature that was made elsewhere; it cannot be refreshed.</summary>
internal sealed class FixedSignatureTokenSource(string signature) : ICbsTokenSource
{
    public ValueTask<CbsToken> GetAsync(string audience, CancellationToken cancellationToken)
        => ValueTask.FromResult(new CbsToken("servicebus.windows.net:sastoken", signature, DateTimeOffset.MaxValue));
}

/// <summary>Asks Entra ID for tokens.</summary>
internal sealed class CredentialTokenSource(TokenCredential credential) : ICbsTokenSource
{
    private static readonly string[] Scopes = ["https://servicebus.azure.net/.default"];

    public async ValueTask<CbsToken> GetAsync(string audience, CancellationToken cancellationToken)
    {
        var token = await credential.GetTokenAsync(new TokenRequestContext(Scopes), cancellationToken);
        return new CbsToken("jwt", token.Token, token.ExpiresOn);
    }
}
