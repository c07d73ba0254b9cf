namespace AiPlatform.Functions.Infrastructure;

/// <summary>Names of the claims in access tokens.</summary>
internal static class TokenClaims
{
    public const string Subject = "sub";
    public const string Name = "name";
    public const string Role = "role";
    public const string Job = "job";
    public const string Run = "run";
    public const string Attempt = "attempt";
}
