namespace AiPlatform.Kernel.Access;

/// <summary>Names of the claims in access tokens.</summary>
public static class TokenClaims
{
    public const string Subject = "sub";
    public const string Name = "name";
    public const string Role = "role";
    /// <summary>The login that the token belongs to: it ends with it.</summary>
    public const string Login = "sid";

    public const string Job = "job";
    public const string Run = "run";
    public const string Attempt = "attempt";
}
