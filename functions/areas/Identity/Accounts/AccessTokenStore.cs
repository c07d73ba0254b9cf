using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Contracts.Identity;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using Dapper;

namespace AiPlatform.Identity.Accounts;

/// <summary>Personal access tokens in PostgreSQL: only their hashes.</summary>
internal sealed class AccessTokenStore(Database database, TimeProvider time)
{
    private const string Columns = "id AS \"Id\", name AS \"Name\", scopes AS \"Scopes\", created_at AS \"CreatedAt\", expires_at AS \"ExpiresAt\", last_used_at AS \"LastUsedAt\"";
    private const int TokenBytes = 32;

    /// <summary>Creates a token and answers it with its secret.</summary>
    public async Task<CreatedAccessToken> CreateAsync(string userId, string name, IReadOnlyList<string> scopes, DateTimeOffset? expires, CancellationToken cancellationToken)
    {
        var secret = Callers.TokenPrefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        var token = new AccessToken(Ids.New(time), name, scopes, time.GetUtcNow(), expires, null);
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "INSERT INTO access_tokens (id, user_id, name, token_hash, scopes, created_at, expires_at) VALUES (@Id, @userId, @Name, @hash, @scopes, @CreatedAt, @ExpiresAt)",
            new { token.Id, userId, token.Name, hash = Hash(secret), scopes = scopes.ToArray(), token.CreatedAt, token.ExpiresAt },
            cancellationToken: cancellationToken));
        return new CreatedAccessToken(secret, token);
    }

    /// <summary>One more of the account's live tokens than asked for, newest first.</summary>
    public async Task<IReadOnlyList<AccessTokenRow>> ListAsync(string userId, string? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<AccessTokenRow>(new CommandDefinition(
            $"SELECT {Columns} FROM access_tokens WHERE user_id = @userId AND revoked_at IS NULL AND (@before::text IS NULL OR id < @before) ORDER BY id DESC LIMIT @limit",
            new { userId, before, limit = size + 1 },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>Ends a token; false when the account has no such live one.</summary>
    public async Task<bool> RevokeAsync(string userId, string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteAsync(new CommandDefinition(
            "UPDATE access_tokens SET revoked_at = @now WHERE id = @id AND user_id = @userId AND revoked_at IS NULL", new { id, userId, now = time.GetUtcNow() }, cancellationToken: cancellationToken)) == 1;
    }

    /// <summary>The account and scopes of a live token; its use is noted, to the minute.</summary>
    public async Task<(UserRow User, IReadOnlyList<string> Scopes)?> FindAsync(string secret, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var token = await connection.QuerySingleOrDefaultAsync<(string Id, string UserId, string[] Scopes, DateTime? LastUsedAt)>(new CommandDefinition(
            "SELECT id, user_id, scopes, last_used_at FROM access_tokens WHERE token_hash = @hash AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > @now)",
            new { hash = Hash(secret), now = time.GetUtcNow() },
            cancellationToken: cancellationToken));
        if (token.Id is null)
        {
            return null;
        }

        if (token.LastUsedAt is not { } last || last < time.GetUtcNow().UtcDateTime.AddMinutes(-1))
        {
            await connection.ExecuteAsync(new CommandDefinition("UPDATE access_tokens SET last_used_at = @now WHERE id = @Id", new { token.Id, now = time.GetUtcNow() }, cancellationToken: cancellationToken));
        }

        var user = await connection.QuerySingleAsync<UserRow>(new CommandDefinition(
            "SELECT id, user_name, email, password_hash, role, disabled_at, created_at FROM users WHERE id = @UserId", new { token.UserId }, cancellationToken: cancellationToken));
        return user.DisabledAt is null ? (user, token.Scopes) : null;
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));
}

/// <summary>A row of <c>access_tokens</c>, without its hash.</summary>
internal sealed record AccessTokenRow
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string[] Scopes { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public DateTimeOffset? LastUsedAt { get; init; }

    public AccessToken ToContract() => new(Id, Name, Scopes, CreatedAt, ExpiresAt, LastUsedAt);
}
