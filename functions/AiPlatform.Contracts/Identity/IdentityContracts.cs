namespace AiPlatform.Contracts.Identity;

/// <summary>What an account may do on the whole platform.</summary>
public enum UserRole
{
    /// <summary>Works in projects of their own.</summary>
    Member,

    /// <summary>Reaches everything and manages accounts.</summary>
    Administrator,
}

/// <summary>An account.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="UserName">The account's name.</param>
/// <param name="Email">The e-mail address; null when there is none.</param>
/// <param name="Role">What the account may do.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="Disabled">It keeps what it owns and reaches nothing.</param>
public sealed record User(string Id, string UserName, string? Email, UserRole Role, DateTimeOffset CreatedAt, bool Disabled = false);

/// <summary>Creates an account.</summary>
/// <example>{"userName": "ada", "password": "correct horse battery", "email": "ada@example.org"}</example>
/// <param name="UserName">3–64 characters: letters, digits, <c>. _ -</c>; unique without regard to case.</param>
/// <param name="Password">10–128 characters; none that is easily guessed (<c>weak_password</c>).</param>
/// <param name="Email">Optional.</param>
public sealed record RegisterRequest(string UserName, string Password, string? Email = null);

/// <summary>Logs in.</summary>
/// <example>{"userName": "ada", "password": "correct horse battery"}</example>
/// <param name="UserName">The account's name.</param>
/// <param name="Password">The account's password.</param>
public sealed record LoginRequest(string UserName, string Password);

/// <summary>Exchanges a refresh token, which is then used up; using it twice revokes the whole login.</summary>
/// <example>{"refreshToken": "Zm9yIG5vYm9keSBlbHNl"}</example>
/// <param name="RefreshToken">The refresh token, which is used up.</param>
public sealed record RefreshRequest(string RefreshToken);

/// <summary>Ends the login that the refresh token belongs to.</summary>
/// <example>{"refreshToken": "Zm9yIG5vYm9keSBlbHNl"}</example>
/// <param name="RefreshToken">A refresh token of the login that is to end.</param>
public sealed record LogoutRequest(string RefreshToken);

/// <summary>Logs a platform service in.</summary>
/// <example>{"client": "orchestrations", "secret": "the secret of the service"}</example>
/// <param name="Client"><c>orchestrations</c> or <c>runner</c>.</param>
/// <param name="Secret">The service's secret from its configuration.</param>
public sealed record ServiceTokenRequest(string Client, string Secret);

/// <summary>Tokens of a login.</summary>
/// <param name="AccessToken">JWT for <c>Authorization: Bearer</c>.</param>
/// <param name="ExpiresIn">Seconds until the access token expires.</param>
/// <param name="RefreshToken">Opaque, single use; null for services.</param>
/// <param name="User">Null for services.</param>
public sealed record TokenResponse(string AccessToken, int ExpiresIn, string? RefreshToken = null, User? User = null)
{
    /// <summary>Always <c>Bearer</c>.</summary>
    public string TokenType { get; init; } = "Bearer";
}

/// <summary>Changes an account (administrators only). Null leaves a value as it is.</summary>
/// <example>{"disabled": true}</example>
/// <param name="Role">What the account may do from now on; null leaves it.</param>
/// <param name="Disabled">Whether the account reaches nothing; its logins end.</param>
public sealed record UpdateUserRequest(UserRole? Role = null, bool? Disabled = null);

/// <summary>Creates an account for somebody (administrators only).</summary>
/// <example>
/// {"userName": "grace", "password": "correct horse battery", "email": "grace@example.org", "role": "member"}
/// </example>
/// <param name="UserName">As in <see cref="RegisterRequest"/>.</param>
/// <param name="Password">Its first password; 10–128 characters.</param>
/// <param name="Email">The e-mail address; null for none.</param>
/// <param name="Role">What the account may do.</param>
public sealed record CreateUserRequest(string UserName, string Password, string? Email = null, UserRole Role = UserRole.Member);

/// <summary>Changes the caller's password; every other login of the account ends.</summary>
/// <example>{"currentPassword": "correct horse battery", "newPassword": "a longer one than before"}</example>
/// <param name="CurrentPassword">The password until now.</param>
/// <param name="NewPassword">The password from now on.</param>
public sealed record ChangePasswordRequest(string CurrentPassword, string NewPassword);

/// <summary>A personal access token, for programs: <c>Authorization: Bearer</c>, or as password of <c>Authorization: Basic</c>.</summary>
/// <param name="Id">Its id, 32 hex digits.</param>
/// <param name="Name">What it is for, in its owner's words.</param>
/// <param name="Scopes">What it may be used for.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="ExpiresAt">When it expires; null when it does not.</param>
/// <param name="LastUsedAt">When it was last used; null when it never was.</param>
public sealed record AccessToken(
    string Id, string Name, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

/// <summary>Creates a personal access token.</summary>
/// <example>{"name": "CI", "scopes": ["read"], "expiresInDays": 90}</example>
/// <param name="Name">1–100 characters; what people call it.</param>
/// <param name="Scopes"><c>read</c>, <c>write</c> (reading included) or <c>full</c> (the account included); <c>write</c> when absent.</param>
/// <param name="ExpiresInDays">1–3,650; never when absent.</param>
public sealed record CreateAccessTokenRequest(string Name, IReadOnlyList<string>? Scopes = null, int? ExpiresInDays = null);

/// <summary>A new personal access token.</summary>
/// <param name="Token">The secret; it is not stored and cannot be read again.</param>
/// <param name="AccessToken">What is known of the token.</param>
public sealed record CreatedAccessToken(string Token, AccessToken AccessToken);
