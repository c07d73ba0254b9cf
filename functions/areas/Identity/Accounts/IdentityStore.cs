using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace AiPlatform.Identity.Accounts;

/// <summary>Accounts and logins in PostgreSQL.</summary>
internal sealed class IdentityStore(Database database, IOptions<IdentityOptions> options, TimeProvider time)
{
    private const string Columns = "id, user_name, email, password_hash, role, disabled_at, created_at";
    private const int TokenBytes = 32;

    /// <summary>Creates an account; 409 when the name is taken.</summary>
    public async Task<UserRow> CreateAsync(string userName, string? email, string passwordHash, string role, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        try
        {
            return await connection.QuerySingleAsync<UserRow>(new CommandDefinition(
                $"INSERT INTO users (id, user_name, email, password_hash, role, created_at) VALUES (@id, @userName, @email, @passwordHash, @role, @now) RETURNING {Columns}",
                new { id = Ids.New(time), userName, email, passwordHash, role, now = time.GetUtcNow() },
                cancellationToken: cancellationToken));
        }
        catch (PostgresException exception) when (Database.IsUniqueViolation(exception, "users_user_name"))
        {
            throw new ApiException(Contracts.ErrorCodes.AlreadyExists, "user", userName) { Field = "userName" };
        }
    }

    /// <summary>Creates the account as administrator if there is no administrator at all; safe from several instances at once.</summary>
    /// <returns>Whether it was created.</returns>
    public Task<bool> CreateFirstAdministratorAsync(string userName, string? email, string passwordHash, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                await connection.ExecuteAsync(new CommandDefinition("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE", transaction: transaction, cancellationToken: cancellationToken));
                return await connection.ExecuteAsync(new CommandDefinition(
                    """
                    INSERT INTO users (id, user_name, email, password_hash, role, created_at)
                    SELECT @id, @userName, @email, @passwordHash, 'administrator', @now
                    WHERE NOT EXISTS (SELECT 1 FROM users WHERE role = 'administrator')
                    """,
                    new { id = Ids.New(time), userName, email, passwordHash, now = time.GetUtcNow() },
                    transaction,
                    cancellationToken: cancellationToken)) == 1;
            },
            cancellationToken);

    /// <summary>Whether there is an administrator.</summary>
    public async Task<bool> HasAdministratorAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<bool>(new CommandDefinition(
            "SELECT EXISTS (SELECT 1 FROM users WHERE role = 'administrator')", cancellationToken: cancellationToken));
    }

    /// <summary>An account by name, without regard to case.</summary>
    public async Task<UserRow?> FindByNameAsync(string userName, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<UserRow>(new CommandDefinition(
            $"SELECT {Columns} FROM users WHERE lower(user_name) = lower(@userName)", new { userName }, cancellationToken: cancellationToken));
    }

    /// <summary>An account by id.</summary>
    public async Task<UserRow?> FindAsync(string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<UserRow>(new CommandDefinition(
            $"SELECT {Columns} FROM users WHERE id = @id", new { id }, cancellationToken: cancellationToken));
    }

    /// <summary>An account by id, while it is enabled and one of its logins has not ended.</summary>
    /// <param name="id">The account.</param>
    /// <param name="loginId">The login; null for tokens that name none.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async Task<UserRow?> FindLoggedInAsync(string id, string? loginId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<UserRow>(new CommandDefinition(
            $"""
            SELECT {Columns} FROM users WHERE id = @id AND disabled_at IS NULL
              AND (@loginId::text IS NULL OR EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.family_id = @loginId AND t.user_id = @id AND t.revoked_at IS NULL))
            """,
            new { id, loginId },
            cancellationToken: cancellationToken));
    }

    /// <summary>Accounts in the order of their creation.</summary>
    public async Task<IReadOnlyList<UserRow>> ListAsync(string? after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<UserRow>(new CommandDefinition(
            $"SELECT {Columns} FROM users WHERE (@after::text IS NULL OR id > @after) ORDER BY id LIMIT @limit",
            new { after, limit },
            cancellationToken: cancellationToken))).AsList();
    }

    /// <summary>Changes an account; null when there is no such account, 409 when no administrator would be left. A disabled account's logins end.</summary>
    /// <param name="role">Null leaves it.</param>
    /// <param name="disabled">Null leaves it.</param>
    public Task<UserRow?> UpdateAsync(string id, string? role, bool? disabled, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            async (connection, transaction) =>
            {
                // All administrators are locked, so that two demotions at once cannot remove the last two.
                var administrators = (await connection.QueryAsync<string>(new CommandDefinition(
                    "SELECT id FROM users WHERE role = 'administrator' AND disabled_at IS NULL ORDER BY id FOR UPDATE", transaction: transaction, cancellationToken: cancellationToken))).AsList();
                if (((role is not null && role != UserRow.Administrator) || disabled == true) && administrators is [var last] && last == id)
                {
                    throw ApiException.IllegalTransition("user", UserRow.Administrator, disabled == true ? "disabled" : role!);
                }

                return await connection.QuerySingleOrDefaultAsync<UserRow>(new CommandDefinition(
                    $"""
                    UPDATE refresh_tokens SET revoked_at = @now WHERE @disabled AND user_id = @id AND revoked_at IS NULL;
                    UPDATE users SET role = coalesce(@role, role),
                        disabled_at = CASE WHEN @disabled THEN coalesce(disabled_at, @now) WHEN @disabled = false THEN NULL ELSE disabled_at END
                    WHERE id = @id RETURNING {Columns}
                    """,
                    new { id, role, disabled, now = time.GetUtcNow() },
                    transaction,
                    cancellationToken: cancellationToken));
            },
            cancellationToken);

    /// <summary>Sets a password and ends every login of the account.</summary>
    public Task SetPasswordAsync(string id, string passwordHash, CancellationToken cancellationToken)
        => database.InTransactionAsync(
            (connection, transaction) => connection.ExecuteAsync(new CommandDefinition(
                """
                UPDATE users SET password_hash = @passwordHash WHERE id = @id;
                UPDATE refresh_tokens SET revoked_at = @now WHERE user_id = @id AND revoked_at IS NULL;
                """,
                new { id, passwordHash, now = time.GetUtcNow() },
                transaction,
                cancellationToken: cancellationToken)),
            cancellationToken);

    /// <summary>Begins a login and returns its id and its first refresh token.</summary>
    public async Task<(string LoginId, string RefreshToken)> CreateLoginAsync(string userId, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var loginId = Ids.New(time);
        return (loginId, await AddTokenAsync(connection, null, loginId, userId, cancellationToken));
    }

    /// <summary>
    /// Uses a refresh token up and returns the next one with its account and login; null when it is unknown, expired, revoked or
    /// was used before. A token that was used before is in two hands: then its whole login ends.
    /// </summary>
    public Task<(UserRow User, string LoginId, string RefreshToken)?> RotateAsync(string refreshToken, CancellationToken cancellationToken)
        => database.InTransactionAsync<(UserRow, string, string)?>(
            async (connection, transaction) =>
            {
                var hash = Hash(refreshToken);
                var now = time.GetUtcNow();
                var used = await connection.QuerySingleOrDefaultAsync<LoginRow>(new CommandDefinition(
                    """
                    UPDATE refresh_tokens SET used_at = @now
                    WHERE token_hash = @hash AND used_at IS NULL AND revoked_at IS NULL AND expires_at > @now
                      AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = user_id AND u.disabled_at IS NOT NULL)
                    RETURNING family_id, user_id
                    """,
                    new { hash, now },
                    transaction,
                    cancellationToken: cancellationToken));
                if (used is null)
                {
                    await connection.ExecuteAsync(new CommandDefinition(
                        """
                        UPDATE refresh_tokens SET revoked_at = @now
                        WHERE revoked_at IS NULL
                          AND family_id = (SELECT family_id FROM refresh_tokens WHERE token_hash = @hash AND used_at IS NOT NULL)
                        """,
                        new { hash, now },
                        transaction,
                        cancellationToken: cancellationToken));
                    return null;
                }

                var user = await connection.QuerySingleAsync<UserRow>(new CommandDefinition(
                    $"SELECT {Columns} FROM users WHERE id = @UserId", used, transaction, cancellationToken: cancellationToken));
                return (user, used.FamilyId, await AddTokenAsync(connection, transaction, used.FamilyId, user.Id, cancellationToken));
            },
            cancellationToken);

    /// <summary>Ends the login that the token belongs to, if it is the caller's.</summary>
    public async Task EndLoginAsync(string refreshToken, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE refresh_tokens SET revoked_at = @now
            WHERE revoked_at IS NULL AND family_id = (SELECT family_id FROM refresh_tokens WHERE token_hash = @hash)
            """,
            new { hash = Hash(refreshToken), now = time.GetUtcNow() },
            cancellationToken: cancellationToken));
    }

    /// <summary>Deletes tokens that expired: they are refused anyway.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        await connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM refresh_tokens WHERE expires_at < @now", new { now = time.GetUtcNow() }, cancellationToken: cancellationToken));
    }

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private async Task<string> AddTokenAsync(
        NpgsqlConnection connection, NpgsqlTransaction? transaction, string familyId, string userId, CancellationToken cancellationToken)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        var now = time.GetUtcNow();
        await connection.ExecuteAsync(new CommandDefinition(
            "INSERT INTO refresh_tokens (token_hash, family_id, user_id, created_at, expires_at) VALUES (@hash, @familyId, @userId, @now, @expires)",
            new { hash = Hash(token), familyId, userId, now, expires = now + options.Value.RefreshTokenLife },
            transaction,
            cancellationToken: cancellationToken));
        return token;
    }

    private sealed record LoginRow
    {
        public required string FamilyId { get; init; }

        public required string UserId { get; init; }
    }
}
