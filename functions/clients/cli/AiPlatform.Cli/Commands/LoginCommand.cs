using System.CommandLine;
using AiPlatform.Client;
using AiPlatform.Contracts.Identity;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip login</c>: exchanges a password for a personal access token and keeps it, or keeps a token that somebody has already.</summary>
internal static class LoginCommand
{
    private const int TokenDays = 90;

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var user = new Option<string?>("--user", "-u") { Description = Texts.Get("login.user") };
        var password = new Option<bool>("--password-stdin") { Description = Texts.Get("login.passwordStdin") };
        var token = new Option<bool>("--token-stdin") { Description = Texts.Get("login.tokenStdin") };
        var command = new Command("login", Texts.Get("login")) { user, password, token };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console, needsToken: false);
            if (parsed.GetValue(token))
            {
                var given = await ReadLineAsync(cancellationToken);
                await new AiPlatformClient(context.Http, new FixedTokenSource(given)).ListProjectsAsync(1, null, cancellationToken);
                new KeptLogin(context.Url, given).Write(KeptLogin.DefaultFile);
                Parts.Say(console, Texts.Get("login.tokenDone"));
                return ExitCodes.Success;
            }

            var name = parsed.GetValue(user) ?? throw new CliException(Texts.Get("login.noUser"));
            var created = await CreateTokenAsync(context, name, await PasswordAsync(console, parsed.GetValue(password), cancellationToken), cancellationToken);
            new KeptLogin(context.Url, created).Write(KeptLogin.DefaultFile);
            Parts.Say(console, Texts.Get("login.done", name));
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<string> CreateTokenAsync(CliContext context, string user, string password, CancellationToken cancellationToken)
    {
        var login = await context.Api.LoginAsync(new LoginRequest(user, password), cancellationToken);
        var api = new AiPlatformClient(context.Http, new FixedTokenSource(login.AccessToken));
        return (await api.CreateAccessTokenAsync(new CreateAccessTokenRequest($"aip on {Environment.MachineName}", ExpiresInDays: TokenDays), cancellationToken)).Token;
    }

    private static async Task<string> PasswordAsync(IAnsiConsole console, bool fromInput, CancellationToken cancellationToken)
        => fromInput ? await ReadLineAsync(cancellationToken)
            : Environment.GetEnvironmentVariable("AIP_PASSWORD")
            ?? (console.Profile.Capabilities.Interactive
                ? await console.PromptAsync(new TextPrompt<string>(Texts.Get("login.password")).Secret(), cancellationToken)
                : throw new CliException(Texts.Get("login.noTerminal")));

    private static async Task<string> ReadLineAsync(CancellationToken cancellationToken)
        => await Console.In.ReadLineAsync(cancellationToken) is { Length: > 0 } line ? line : throw new CliException(Texts.Get("login.emptyInput"));
}
