namespace AiPlatform.Identity.Accounts;

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

    /// <summary>
    /// Whether anybody may create an account. When not, the first account of a platform that has no administrator becomes one, and
    /// administrators make the others.
    /// </summary>
    public bool AllowRegistration { get; set; }

    /// <summary>Accounts that may be created from one address in a minute.</summary>
    public int RegistrationsPerMinute { get; set; } = 5;

    /// <summary>Wrong passwords from one address in a minute, whatever the accounts.</summary>
    public int FailedLoginsPerMinute { get; set; } = 30;

    /// <summary>Wrong passwords in a row for one account from one address, after which that address waits before each further one.</summary>
    public int MaxFailedLogins { get; set; } = 10;

    /// <summary>The longest such wait; the first is ten seconds, and each is twice the one before.</summary>
    public TimeSpan LockoutTime { get; set; } = TimeSpan.FromMinutes(15);

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
