using AiPlatform.Contracts.Identity;

namespace AiPlatform.IntegrationTests.Functions;

/// <summary>An account with a client that is logged in as it.</summary>
public sealed record TestUser(User User, HttpClient Client, string AccessToken, string RefreshToken)
{
    /// <summary>The password of every test account.</summary>
    public const string Password = "correct horse battery";
}
