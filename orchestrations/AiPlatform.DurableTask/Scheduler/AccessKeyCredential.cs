using Azure.Core;

namespace AiPlatform.DurableTask.Scheduler;

/// <summary>A token that was agreed on beforehand.</summary>
internal sealed class AccessKeyCredential(string key) : TokenCredential
{
    public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => new(key, DateTimeOffset.MaxValue);

    public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
        => ValueTask.FromResult(GetToken(requestContext, cancellationToken));
}
