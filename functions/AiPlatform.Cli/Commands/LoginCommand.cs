using System.CommandLine;
using AiPlatform.Client;
using AiPlatform.Contracts.Identity;
using Spectre.Console;

namespace AiPlatform.Cli.Commands;

/// <summary><c>aip login</c>: exchanges a password for a personal access token and keeps it.</summary>
internal static class LoginCommand
{
    private const int TokenDays = 90;

    public static Command Create(CommonOptions common, IAnsiConsole console)
    {
        var user = new Option<string>("--user", "-u") { Description = Texts.Get("login.user"), Required = true };
        var command = new Command("login", Texts.Get("login")) { user };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var context = CliContext.Create(parsed, common, console, needsToken: false);
            var name = parsed.GetRequiredValue(user);
            var password = Environment.GetEnvironmentVariable("AIP_PASSWORD")
                ?? await console.PromptAsync(new TextPrompt<string>(Texts.Get("login.password")).Secret(), cancellationToken);
            var login = await context.Api.LoginAsync(new LoginRequest(name, password), cancellationToken);
            var api = new AiPlatformClient(context.Http, new FixedTokenSource(login.AccessToken));
            var token = await api.CreateAccessTokenAsync(new CreateAccessTokenRequest($"aip on {Environment.MachineName}", ExpiresInDays: TokenDays), cancellationToken);
            new CliSettings(context.Url, token.Token).Write(CliSettings.DefaultFile);
            console.WriteLine(Texts.Get("login.done", name));
            return 0;
        });
        return command;
    }
}
