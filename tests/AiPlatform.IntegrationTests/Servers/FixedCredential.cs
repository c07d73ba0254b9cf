using Azure.Core;

namespace AiPlatform.IntegrationTests.Servers;

/// <summary>Stands for Microsoft Entra ID, which cannot exist here: its tokens are texts that the test chooses.</summary>
internal sealed class FixedCredential(Func<AccessToken> next) : TokenCredential
{
    private readonly List<string> _scopes = [];

    public IReadOnlyList<string> Scopes => _scopes;

    public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
    {
        _scopes.AddRange(requestContext.Scopes);
        return next();
    }

    public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
        => ValueTask.FromResult(GetToken(requestContext, cancellationToken));
}
