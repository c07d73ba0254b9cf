using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Functions.Operations;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Identity;

/// <summary>Who gets an account, how guessing is slowed down, and that rights end when they are taken away.</summary>
[Collection(ServersCollection.Name)]
public sealed class AccountSecurityTests(FunctionsFixture functions, PostgresFixture postgres) : IClassFixture<FunctionsFixture>
{
    private const string Other = "another long secret";

    [Fact]
    public async Task Registration_is_closed_by_default_but_for_the_first_administrator()
    {
        await using var app = await StartAsync(("Identity:AllowRegistration", null), ("Identity:Administrator:Password", null));
        using var anonymous = app.CreateClient();
        var starts = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => anonymous.PostJsonAsync("/v1/auth/register", new RegisterRequest($"first-{i}", TestUser.Password))));
        var first = await Assert.Single(starts, answer => answer.StatusCode == HttpStatusCode.Created).ReadAsync<TokenResponse>();
        Assert.Equal(UserRole.Administrator, first.User!.Role);
        await anonymous.PostJsonAsync("/v1/auth/register", new RegisterRequest("second", TestUser.Password)).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.RegistrationClosed);

        // Administrators make the others.
        using var administrator = app.CreateClient(first.AccessToken);
        var made = await administrator.PostAsync<User>("/v1/users", new CreateUserRequest("second", TestUser.Password));
        Assert.Equal(UserRole.Member, made.Role);
        var login = await anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest("second", TestUser.Password));
        using var member = app.CreateClient(login.AccessToken);
        await member.PostJsonAsync("/v1/users", new CreateUserRequest("third", TestUser.Password)).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task Registrations_from_one_address_are_limited()
    {
        await using var app = await StartAsync(("Identity:RegistrationsPerMinute", "3"));
        using var here = From(app, "127.0.0.1");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.Created, (await here.PostJsonAsync("/v1/auth/register", new RegisterRequest($"many-{i}", TestUser.Password))).StatusCode);
        }

        var refused = here.PostJsonAsync("/v1/auth/register", new RegisterRequest("many-4", TestUser.Password));
        await refused.ProblemAsync(HttpStatusCode.TooManyRequests, ErrorCodes.TooManyRequests);
        Assert.InRange((await refused).Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        using var elsewhere = From(app, "127.0.0.2");
        Assert.Equal(HttpStatusCode.Created, (await elsewhere.PostJsonAsync("/v1/auth/register", new RegisterRequest("many-4", TestUser.Password))).StatusCode);
    }

    [Fact]
    public async Task Guessing_slows_down_the_address_that_guesses_and_nobody_else()
    {
        await using var app = await StartAsync(("Identity:MaxFailedLogins", "4"));
        using var attacker = From(app, "127.0.0.3");
        using var victim = From(app, "127.0.0.4");
        await victim.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("victim", TestUser.Password));
        var answers = new List<HttpStatusCode>();
        for (var i = 0; i < 6; i++)
        {
            answers.Add((await attacker.PostJsonAsync("/v1/auth/login", new LoginRequest("Victim", $"guess number {i}"))).StatusCode);
        }

        Assert.Equal([.. Enumerable.Repeat(HttpStatusCode.Unauthorized, 4), HttpStatusCode.TooManyRequests, HttpStatusCode.TooManyRequests], answers);

        // The right password is refused to who has guessed, and not to its owner.
        await attacker.PostJsonAsync("/v1/auth/login", new LoginRequest("victim", TestUser.Password)).ProblemAsync(HttpStatusCode.TooManyRequests, ErrorCodes.TooManyRequests);
        await victim.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest("victim", TestUser.Password));
        Assert.Equal(HttpStatusCode.OK, (await BasicAsync(victim, "victim", TestUser.Password)).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await BasicAsync(attacker, "victim", TestUser.Password)).StatusCode);
    }

    [Fact]
    public async Task Spraying_over_many_accounts_is_limited_and_right_passwords_do_not_count()
    {
        await using var app = await StartAsync(("Identity:FailedLoginsPerMinute", "8"));
        using var sprayer = From(app, "127.0.0.5");
        await sprayer.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("busy-robot", TestUser.Password));
        for (var i = 0; i < 20; i++)
        {
            await sprayer.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest("busy-robot", TestUser.Password));
        }

        // All at once: what is counted is the attempt, not its end.
        var answers = await Task.WhenAll(Enumerable.Range(0, 30).Select(i => sprayer.PostJsonAsync("/v1/auth/login", new LoginRequest($"account-{i}", "Spring2026 is here"))));
        Assert.InRange(answers.Count(answer => answer.StatusCode == HttpStatusCode.Unauthorized), 1, 10);
        Assert.All(answers.Where(answer => answer.StatusCode != HttpStatusCode.Unauthorized), answer =>
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
        });
    }

    [Fact]
    public async Task Spraying_from_an_address_that_many_share_holds_up_nobody_who_logs_in_there()
    {
        await using var app = await StartAsync(("Identity:FailedLoginsPerMinute", "8"));
        using var shared = From(app, "127.0.0.6");
        await shared.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("regular", TestUser.Password));
        await shared.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("newcomer", TestUser.Password));
        await shared.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest("regular", TestUser.Password));
        var sprayed = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => shared.PostJsonAsync("/v1/auth/login", new LoginRequest($"sprayed-{i}", "Spring2026 is here"))));
        Assert.InRange(sprayed.Count(static answer => answer.StatusCode == HttpStatusCode.Unauthorized), 1, 10);

        // Guesses at a regular's password are limited for themselves.
        Assert.Equal(HttpStatusCode.TooManyRequests, (await shared.PostJsonAsync("/v1/auth/login", new LoginRequest("newcomer", TestUser.Password))).StatusCode);
        await shared.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest("Regular", TestUser.Password));
        Assert.Equal(HttpStatusCode.OK, (await BasicAsync(shared, "regular", TestUser.Password)).StatusCode);
        var guesses = new List<HttpStatusCode>();
        for (var i = 0; i < 12; i++)
        {
            guesses.Add((await shared.PostJsonAsync("/v1/auth/login", new LoginRequest("regular", $"guess number {i}"))).StatusCode);
        }

        Assert.Equal((10, 2), (guesses.Count(static status => status == HttpStatusCode.Unauthorized), guesses.Count(static status => status == HttpStatusCode.TooManyRequests)));
    }

    [Fact]
    public async Task Wrong_passwords_of_others_at_the_same_address_do_not_lock_out_a_browser_that_has_logged_in()
    {
        await using var app = await StartAsync(("Identity:MaxFailedLogins", "4"));
        using var shared = From(app, "127.0.0.7");
        await shared.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("browsing", TestUser.Password));
        await shared.PostAsync<TokenResponse>("/v1/auth/register", new RegisterRequest("attacking", TestUser.Password));
        var browser = await CookieAsync(shared, "browsing", TestUser.Password);
        var foreign = await CookieAsync(shared, "attacking", TestUser.Password);
        for (var i = 0; i < 6; i++)
        {
            await shared.PostJsonAsync("/v1/auth/login", new LoginRequest("browsing", $"guess number {i}"));
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, await LoginAsync(shared, "browsing", TestUser.Password, null));
        Assert.Equal(HttpStatusCode.TooManyRequests, await LoginAsync(shared, "browsing", TestUser.Password, foreign));
        Assert.Equal(HttpStatusCode.TooManyRequests, await LoginAsync(shared, "browsing", TestUser.Password, browser[..^4] + "AAAA"));
        Assert.Equal(HttpStatusCode.OK, await LoginAsync(shared, "browsing", TestUser.Password, browser));

        // It is no way around the limit.
        var guesses = new List<HttpStatusCode>();
        for (var i = 0; i < 6; i++)
        {
            guesses.Add(await LoginAsync(shared, "browsing", $"guess number {i}", browser));
        }

        Assert.Equal([.. Enumerable.Repeat(HttpStatusCode.Unauthorized, 4), HttpStatusCode.TooManyRequests, HttpStatusCode.TooManyRequests], guesses);
    }

    [Theory]
    [InlineData("aaaaaaaaaaaa")]
    [InlineData("Password1!")]
    [InlineData("weak-user-0001")]
    [InlineData("1234567890")]
    public async Task Passwords_that_are_guessed_first_are_refused_with_a_stable_code(string password)
    {
        var problem = await functions.Anonymous.PostJsonAsync("/v1/auth/register", new RegisterRequest("weak-user", password)).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.WeakPassword);
        Assert.Contains("password", problem.Errors!.Keys);
        var user = await functions.CreateUserAsync();
        await user.Client.PostJsonAsync("/v1/users/me/password", new ChangePasswordRequest(TestUser.Password, password.Replace("weak-user", user.User.UserName, StringComparison.Ordinal)))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.WeakPassword);
    }

    [Fact]
    public async Task A_demoted_administrators_token_loses_its_rights_at_once_and_within_a_second_elsewhere()
    {
        var administrator = await functions.AdministratorAsync();
        var user = await functions.CreateUserAsync();
        await SetAsync(administrator, user, new UpdateUserRequest(UserRole.Administrator));
        var login = await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(user.User.UserName, TestUser.Password));
        await using var another = await functions.StartAnotherAsync();
        using var elsewhere = another.CreateClient(login.AccessToken);
        var here = functions.Client(login.AccessToken);
        Assert.Equal(HttpStatusCode.OK, (await here.GetAsync("/v1/users")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await elsewhere.GetAsync("/v1/users")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await BasicAsync(functions.Anonymous, user.User.UserName, TestUser.Password, "/v1/users")).StatusCode);

        await SetAsync(administrator, user, new UpdateUserRequest(UserRole.Member));
        await here.GetAsync("/v1/users").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        Assert.Equal(HttpStatusCode.Forbidden, (await BasicAsync(functions.Anonymous, user.User.UserName, TestUser.Password, "/v1/users")).StatusCode);
        await Task.Delay(TimeSpan.FromSeconds(1.1));
        await elsewhere.GetAsync("/v1/users").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task A_disabled_account_reaches_nothing_with_anything_it_has_until_it_is_enabled_again()
    {
        var administrator = await functions.AdministratorAsync();
        var user = await functions.CreateUserAsync();
        var personal = await user.Client.PostAsync<CreatedAccessToken>("/v1/users/me/tokens", new CreateAccessTokenRequest("robot", ["full"]));
        Assert.True((await SetAsync(administrator, user, new UpdateUserRequest(Disabled: true))).Disabled);
        await user.Client.GetAsync("/v1/users/me").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        await functions.Client(personal.Token).GetAsync("/v1/users/me").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        await functions.Anonymous.PostJsonAsync("/v1/auth/refresh", new RefreshRequest(user.RefreshToken)).ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidRefreshToken);
        await functions.Anonymous.PostJsonAsync("/v1/auth/login", new LoginRequest(user.User.UserName, TestUser.Password)).ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidCredentials);
        Assert.Equal(HttpStatusCode.Unauthorized, (await BasicAsync(functions.Anonymous, user.User.UserName, TestUser.Password)).StatusCode);

        Assert.False((await SetAsync(administrator, user, new UpdateUserRequest(Disabled: false))).Disabled);
        await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(user.User.UserName, TestUser.Password));
        await administrator.Client.SendJsonAsync(HttpMethod.Patch, $"/v1/users/{administrator.User.Id}", new UpdateUserRequest(Disabled: true))
            .ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
    }

    [Fact]
    public async Task Urls_in_answers_never_repeat_a_host_that_the_caller_made_up()
    {
        await using var hub = await TaskHubInstance.StartAsync(await postgres.CreateDatabaseAsync("hub"));
        await using var app = await StartAsync(("ConnectionStrings:TaskHub", hub.ConnectionString));
        Assert.Equal(app.Address.Authority, await HostAsync(app, ("Host", "evil.example")));
        Assert.Equal(app.Address.Authority, await HostAsync(app, ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-For", "203.0.113.9")));
        Assert.Equal($"localhost:{app.Address.Port}", await HostAsync(app, ("Host", $"localhost:{app.Address.Port}")));

        await using var named = await StartAsync(("ConnectionStrings:TaskHub", hub.ConnectionString), ("Http:AllowedHosts:0", "*.lab.example"));
        Assert.Equal("ai.lab.example", await HostAsync(named, ("Host", "ai.lab.example")));
        Assert.Equal(named.Address.Authority, await HostAsync(named, ("Host", "ailab.example")));

        await using var published = await StartAsync(("ConnectionStrings:TaskHub", hub.ConnectionString), ("Http:PublicUrl", "https://ai.example/base/"));
        Assert.Equal("ai.example", await HostAsync(published, ("Host", "evil.example")));

        await using var proxied = await StartAsync(
            ("ConnectionStrings:TaskHub", hub.ConnectionString), ("Http:TrustedProxies:0", "127.0.0.1"), ("Http:AllowedHosts:0", "ai.example"));
        Assert.Equal("ai.example", await HostAsync(proxied, ("X-Forwarded-Host", "ai.example")));
        Assert.Equal(proxied.Address.Authority, await HostAsync(proxied, ("X-Forwarded-Host", "evil.example")));
    }

    private static async Task<string> HostAsync(FunctionsInstance app, params (string Name, string Value)[] headers)
    {
        using var anonymous = app.CreateClient();
        var login = await anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(FunctionsFixture.AdministratorName, TestUser.Password));
        using var client = app.CreateClient(login.AccessToken);
        var answer = await client.PostJsonAsync($"/durabletask/orchestrators/Echo/{Guid.NewGuid():N}", "\"x\"", headers);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, text);
        Assert.DoesNotContain("evil", text + answer.Headers, StringComparison.Ordinal);
        return new Uri((string)JsonNode.Parse(text)!["statusQueryGetUri"]!).Authority;
    }

    private static async Task<User> SetAsync(TestUser administrator, TestUser user, UpdateUserRequest request)
        => await (await administrator.Client.SendJsonAsync(HttpMethod.Patch, $"/v1/users/{user.User.Id}", request)).ReadAsync<User>();

    private static async Task<string> CookieAsync(HttpClient client, string name, string password)
    {
        var answer = await client.PostJsonAsync("/v1/auth/login", new LoginRequest(name, password));
        var cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        return cookie[..cookie.IndexOf(';', StringComparison.Ordinal)];
    }

    private static async Task<HttpStatusCode> LoginAsync(HttpClient client, string name, string password, string? cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/auth/login") { Content = System.Net.Http.Json.JsonContent.Create(new { userName = name, password }) };
        if (cookie is not null)
        {
            request.Headers.Add("Cookie", cookie);
        }

        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }

    private static async Task<HttpResponseMessage> BasicAsync(HttpClient client, string name, string password, string path = "/v1/users/me")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{name}:{password}")));
        return await client.SendAsync(request);
    }

    /// <summary>A client whose connections come from an address of this machine's own network.</summary>
    private static HttpClient From(FunctionsInstance app, string address) => new(new SocketsHttpHandler
    {
        UseCookies = false,
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = app.Address,
    };

    private async Task<FunctionsInstance> StartAsync(params (string Name, string? Value)[] changes)
    {
        var settings = new Dictionary<string, string?>(functions.Settings, StringComparer.Ordinal) { ["ConnectionStrings:Postgres"] = await postgres.CreateDatabaseAsync("accounts") };
        foreach (var (name, value) in changes)
        {
            settings[name] = value;
        }

        return await FunctionsInstance.StartAsync(settings);
    }
}
