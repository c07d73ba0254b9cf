using Azure.Core;
using Azure.Identity;
using Npgsql;

namespace AiPlatform.Hosting;

/// <summary>
/// How a process reaches PostgreSQL; its connection string alone decides. One over TLS that names a user and brings neither a password nor
/// a certificate is a connection by identity: the process shows a token of its own identity (of Microsoft Entra ID) where others show a password, as Azure
/// Database for PostgreSQL wants it. <c>AZURE_CLIENT_ID</c> chooses among user-assigned identities.
/// </summary>
public static class PostgresConnection
{
    // The same in every cloud of Azure.
    private const string Scope = "https://ossrdbms-aad.database.windows.net/.default";

    // The credential keeps its token and renews it in time: asking it costs nothing. Only new connections need one.
    private static readonly TimeSpan Renewal = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan RenewalAfterFailure = TimeSpan.FromSeconds(5);

    /// <summary>A pool of connections.</summary>
    public static NpgsqlDataSource Create(string connectionString) => Builder(connectionString).Build();

    /// <summary>What makes a pool of connections, for a process that has more to say about them.</summary>
    /// <param name="connectionString">An Npgsql connection string.</param>
    /// <param name="identity">The identity to show where the connection string asks for one; the process's own when null.</param>
    public static NpgsqlDataSourceBuilder Builder(string connectionString, TokenCredential? identity = null)
    {
        var source = new NpgsqlDataSourceBuilder(connectionString);
        if (IsByIdentity(source.ConnectionStringBuilder))
        {
            identity ??= new DefaultAzureCredential();
            source.UsePeriodicPasswordProvider(
                async (_, cancellationToken) => (await identity.GetTokenAsync(new TokenRequestContext([Scope]), cancellationToken).ConfigureAwait(false)).Token,
                Renewal,
                RenewalAfterFailure);
        }

        return source;
    }

    /// <summary>Whether the connection string asks for a connection by identity.</summary>
    internal static bool IsByIdentity(NpgsqlConnectionStringBuilder settings)
        => settings is { SslMode: SslMode.Require or SslMode.VerifyCA or SslMode.VerifyFull, Username.Length: > 0 }
            && string.IsNullOrEmpty(settings.Password) && string.IsNullOrEmpty(settings.Passfile) && string.IsNullOrEmpty(settings.SslCertificate);
}
