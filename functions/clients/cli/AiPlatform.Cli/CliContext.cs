using System.CommandLine;
using AiPlatform.Client;
using AiPlatform.Client.Datasets;
using Spectre.Console;

namespace AiPlatform.Cli;

/// <summary>What a command works with: the platform, the project, the terminal.</summary>
internal sealed class CliContext : IDisposable
{
    private readonly HttpClient _http;
    private readonly HttpClient _storage = new(new SocketsHttpHandler { MaxConnectionsPerServer = 16 }) { Timeout = Timeout.InfiniteTimeSpan };

    private CliContext(string url, string? token, string? project, IAnsiConsole console)
    {
        Token = token;
        _http = new HttpClient { BaseAddress = new Uri(url.TrimEnd('/') + "/"), Timeout = TimeSpan.FromMinutes(5) };
        _http.DefaultRequestHeaders.AcceptLanguage.ParseAdd(Texts.IsChinese ? "zh-CN" : "en");
        Url = url;
        Api = new AiPlatformClient(_http, new FixedTokenSource(token), maxAttempts: 6);
        ProjectOrNull = project;
        Console = console;
    }

    /// <summary>Address of the platform.</summary>
    public string Url { get; }

    public AiPlatformClient Api { get; }

    public IAnsiConsole Console { get; }

    /// <summary>The project that the command is about.</summary>
    /// <exception cref="CliException">None was named.</exception>
    public string Project => ProjectOrNull ?? throw new CliException(Texts.Get("error.project"));

    public DatasetUploader Uploader => new(Api, _storage);

    public DatasetDownloader Downloader => new(Api, _storage);

    /// <summary>For requests without a token.</summary>
    public HttpClient Http => _http;

    /// <summary>The token of a login; null for anonymous calls.</summary>
    public string? Token { get; }

    /// <summary>The project that was named, if any.</summary>
    public string? ProjectOrNull { get; }

    /// <summary>Makes the context of a command: options win over the environment, that over what a login or a start on this machine left.</summary>
    /// <param name="needsToken">Whether the command needs a login.</param>
    /// <exception cref="CliException">Something is missing; the message says how to give it.</exception>
    public static CliContext Create(ParseResult parsed, CommonOptions common, IAnsiConsole console, bool needsToken = true)
    {
        var kept = KeptLogin.ReadAll();
        var url = Given(parsed.GetValue(common.Url), "AIP_URL") ?? (kept.Count > 0 ? kept[0].Url : throw new CliException(Texts.Get("error.url")));
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps))
        {
            throw new CliException(Texts.Get("error.badUrl", url));
        }

        var token = Given(null, "AIP_TOKEN") ?? kept.FirstOrDefault(login => login.IsFor(url))?.Token;
        return needsToken && token is null
            ? throw new CliException(Texts.Get("error.token"))
            : new CliContext(url, needsToken ? token : null, Given(parsed.GetValue(common.Project), "AIP_PROJECT"), console);
    }

    // What is empty is not given: scripts pass on variables that nobody has set.
    private static string? Given(string? option, string variable)
        => option is { Length: > 0 } ? option : Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

    public void Dispose()
    {
        _http.Dispose();
        _storage.Dispose();
    }
}
