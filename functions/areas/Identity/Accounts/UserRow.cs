using AiPlatform.Contracts.Identity;

namespace AiPlatform.Identity.Accounts;

/// <summary>A row of <c>users</c>.</summary>
internal sealed record UserRow
{
    public required string Id { get; init; }

    public required string UserName { get; init; }

    public string? Email { get; init; }

    public required string PasswordHash { get; init; }

    public required string Role { get; init; }

    /// <summary>Since when the account reaches nothing; null while it may be used.</summary>
    public DateTimeOffset? DisabledAt { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>As the API shows it.</summary>
    public User ToUser() => new(Id, UserName, Email, Role == Administrator ? UserRole.Administrator : UserRole.Member, CreatedAt, DisabledAt is not null);

    public const string Member = "member";
    public const string Administrator = "administrator";

    /// <summary>The stored name of a role.</summary>
    public static string RoleName(UserRole role) => role switch
    {
        UserRole.Administrator => Administrator,
        UserRole.Member => Member,
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Unknown role."),
    };
}
