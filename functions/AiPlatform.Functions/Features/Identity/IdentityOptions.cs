namespace AiPlatform.Functions.Features.Identity;

/// <summary>Section <c>Identity</c>.</summary>
internal sealed class IdentityOptions
{
    /// <summary>Base64 of at least 32 random bytes; the same for all instances. Signs access tokens (HS256).</summary>
    public string SigningKey { get; set; } = string.Empty;

    /// <summary>How long an access token of a person or service holds.</summary>
    public TimeSpan AccessTokenLife { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>How long a job token holds; runners renew it by heartbeat.</summary>
    public TimeSpan JobTokenLife { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long a login lasts without a refresh.</summary>
    public TimeSpan RefreshTokenLife { get; set; } = TimeSpan.FromDays(30);

    /// <summary>Whether anybody may create an account.</summary>
    public bool AllowRegistration { get; set; } = true;

    /// <summary>Wrong passwords in a row after which an account is locked for <see cref="LockoutTime"/>.</summary>
    public int MaxFailedLogins { get; set; } = 10;

    /// <summary>How long an account stays locked.</summary>
    public TimeSpan LockoutTime { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Secrets of the platform's services by client: <c>orchestrations</c>, <c>runner</c>.</summary>
    public Dictionary<string, string> ServiceSecrets { get; set; } = new(StringComparer.Ordinal);

    /// <summary>The administrator that is created when there is none.</summary>
    public AdministratorOptions Administrator { get; set; } = new();
}

/// <summary>Section <c>Identity:Administrator</c>.</summary>
internal sealed class AdministratorOptions
{
    /// <summary>The account's name.</summary>
    public string UserName { get; set; } = "admin";

    /// <summary>Its first password; without one no administrator is created.</summary>
    public string? Password { get; set; }

    /// <summary>Its e-mail address.</summary>
    public string? Email { get; set; }
}
