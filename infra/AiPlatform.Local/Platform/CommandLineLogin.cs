using AiPlatform.Client;
using AiPlatform.Contracts.Identity;

namespace AiPlatform.Local.Platform;

/// <summary>Logs the command line <c>aip</c> in to the platform that was just started, until it stops.</summary>
internal sealed class CommandLineLogin : IDisposable
{
    private const string TokenName = "aip on this machine";
    private const int TokenDays = 90;

    private readonly string _url;
    private readonly string _file;

    private CommandLineLogin(string url, string file) => (_url, _file) = (url, file);

    /// <summary>Keeps a login where <c>aip</c> looks for it; the token is made once for a data directory and again when it has ended.</summary>
    /// <param name="keptFile">Where the token outlives this process.</param>
    /// <param name="localFile">Where <c>aip</c> looks: <see cref="KeptLogin.LocalFile"/>.</param>
    /// <exception cref="ApiException">The administrator's password has been changed: people log in by themselves then.</exception>
    public static async Task<CommandLineLogin> KeepAsync(PlatformEndpoints endpoints, string keptFile, string localFile, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = new Uri(endpoints.Api) };
        var token = KeptLogin.Read(keptFile)?.Token;
        if (token is null || !await IsValidAsync(http, token, cancellationToken).ConfigureAwait(false))
        {
            token = await CreateAsync(http, endpoints.Administrator, cancellationToken).ConfigureAwait(false);
        }

        var login = new KeptLogin(endpoints.Api, token);
        login.Write(keptFile);
        login.Write(localFile);
        return new CommandLineLogin(endpoints.Api, localFile);
    }

    /// <summary>Forgets the login, unless another platform has been started since.</summary>
    public void Dispose()
    {
        if (KeptLogin.Read(_file)?.IsFor(_url) == true)
        {
            File.Delete(_file);
        }
    }

    private static async Task<bool> IsValidAsync(HttpClient http, string token, CancellationToken cancellationToken)
    {
        try
        {
            await new AiPlatformClient(http, new FixedTokenSource(token)).GetMeAsync(cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (ApiException exception) when (!exception.IsTransient)
        {
            return false;
        }
    }

    private static async Task<string> CreateAsync(HttpClient http, AdministratorAccount administrator, CancellationToken cancellationToken)
    {
        using var login = new LoginTokenSource(http, administrator.UserName, administrator.Password, TimeProvider.System);
        var created = await new AiPlatformClient(http, login)
            .CreateAccessTokenAsync(new CreateAccessTokenRequest(TokenName, ["full"], TokenDays), cancellationToken).ConfigureAwait(false);
        return created.Token;
    }
}
