using AiPlatform.Functions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Playwright;

namespace AiPlatform.BrowserTests;

/// <summary>
/// The functions app in this process and the system's Chromium. The pages need no database: they must be there while
/// PostgreSQL is still starting, so here it is away.
/// </summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    private static readonly string[] Executables = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private WebApplication _app = null!;
    private IPlaywright _playwright = null!;

    public IBrowser Browser { get; private set; } = null!;

    public string Address { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _app = FunctionsApp.Build(
        [
            "--urls=http://127.0.0.1:0",
            "--Logging:LogLevel:Default=None",
            "--ConnectionStrings:Postgres=Host=127.0.0.1;Port=1;Username=none;Database=none;Timeout=1",
            "--ConnectionStrings:Blob=UseDevelopmentStorage=true",
            "--ConnectionStrings:Redis=127.0.0.1:1,abortConnect=false",
            "--ConnectionStrings:TaskHub=Endpoint=http://127.0.0.1:1;TaskHub=default;Authentication=None",
            $"--Identity:SigningKey={Convert.ToBase64String(new byte[48])}",
        ]);
        await _app.StartAsync();
        Address = _app.Urls.First();
        _playwright = await Playwright.CreateAsync();
        Browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Executables.FirstOrDefault(File.Exists)
                ?? throw new InvalidOperationException("Chromium is missing. Install it with: apt-get install chromium"),
            // Chromium refuses to sandbox itself as root, and must not look for its maker's services on a closed network.
            Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
        });
    }

    /// <summary>Opens a page in a language and collects what it complains about and every address outside the app that it asks for.</summary>
    public async Task<(IPage Page, IReadOnlyList<string> Problems)> OpenAsync(string path, string locale)
    {
        var context = await Browser.NewContextAsync(new BrowserNewContextOptions { Locale = locale });
        var page = await context.NewPageAsync();
        var problems = new List<string>();
        page.PageError += (_, error) => problems.Add($"script error: {error}");
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(Address, StringComparison.Ordinal) && request.Url.StartsWith("http", StringComparison.Ordinal))
            {
                problems.Add($"asks for {request.Url}");
            }
        };
        page.Response += (_, response) =>
        {
            if (response.Status >= 400)
            {
                problems.Add($"{response.Status} {response.Url}");
            }
        };
        await page.GotoAsync(Address + path);
        return (page, problems);
    }

    public async Task DisposeAsync()
    {
        await Browser.CloseAsync();
        _playwright.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
