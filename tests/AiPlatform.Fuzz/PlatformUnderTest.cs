using System.Text.Json;
using AiPlatform.Client;

namespace AiPlatform.Fuzz;

/// <summary>A running platform, found by its data folder: <c>endpoints.json</c> and <c>secrets.json</c>.</summary>
internal sealed class PlatformUnderTest : IDisposable
{
    private readonly JsonElement _endpoints;
    private readonly HttpClient _http;
    private readonly List<IDisposable> _owned = [];

    /// <param name="folder">The data folder.</param>
    public PlatformUnderTest(string folder)
    {
        _endpoints = Read(Path.Combine(folder, "endpoints.json"));
        var secrets = Read(Path.Combine(folder, "secrets.json"));
        _http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(Text("api")), Timeout = Timeout.InfiniteTimeSpan };
        var account = _endpoints.GetProperty("administrator");
        Administrator = Own(new LoginTokenSource(_http, account.GetProperty("userName").GetString()!, account.GetProperty("password").GetString()!, TimeProvider.System));
        Services = [.. ((string[])["orchestrations", "runner"]).Select(name => Own(new ServiceTokenSource(_http, name, secrets.GetProperty(name + "Secret").GetString()!, TimeProvider.System)))];
    }

    /// <summary>The API.</summary>
    public HttpClient Http => _http;

    /// <summary>The first administrator.</summary>
    public ITokenSource Administrator { get; }

    /// <summary>The services.</summary>
    public IReadOnlyList<ITokenSource> Services { get; }

    /// <summary>A text of <c>endpoints.json</c>.</summary>
    public string Text(string name) => _endpoints.GetProperty(name).GetString()!;

    /// <summary>The processes that are gone.</summary>
    public IReadOnlyList<string> Gone()
        => [.. _endpoints.GetProperty("processes").EnumerateObject().Where(static process => !Directory.Exists($"/proc/{process.Value.GetInt32()}")).Select(static process => process.Name)];

    /// <inheritdoc />
    public void Dispose()
    {
        _owned.ForEach(static owned => owned.Dispose());
        _http.Dispose();
    }

    private static JsonElement Read(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        return document.RootElement.Clone();
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }
}
