using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Identity;
using AiPlatform.Identity.Accounts;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.IntegrationTests.Functions.Identity;

[Collection(ServersCollection.Name)]
public sealed class IdentityTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task A_registered_account_logs_in_and_sees_itself_as_a_member()
    {
        var name = functions.Name("Ada");
        var registered = await functions.Anonymous.PostJsonAsync("/v1/auth/register", new RegisterRequest(name, TestUser.Password, "ada@example.org"));
        Assert.Equal(HttpStatusCode.Created, registered.StatusCode);

        var login = await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(name.ToUpperInvariant(), TestUser.Password));
        Assert.Equal("Bearer", login.TokenType);
        Assert.Equal(900, login.ExpiresIn);
        var me = await functions.Client(login.AccessToken).GetAsync<User>("/v1/users/me");
        Assert.Equal((name, "ada@example.org", UserRole.Member), (me.UserName, me.Email, me.Role));
    }

    [Theory]
    [InlineData("ab", TestUser.Password, null, "userName")]
    [InlineData("has space", TestUser.Password, null, "userName")]
    [InlineData("good-name", "short", null, "password")]
    [InlineData("good-name", TestUser.Password, "no-address", "email")]
    public async Task A_bad_registration_is_refused_and_names_the_field(string name, string password, string? email, string field)
    {
        var problem = await functions.Anonymous.PostJsonAsync("/v1/auth/register", new RegisterRequest(name, password, email))
            .ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Contains(field, problem.Errors!.Keys);
    }

    [Fact]
    public async Task A_name_is_taken_whatever_its_case()
    {
        var user = await functions.CreateUserAsync();
        await functions.Anonymous.PostJsonAsync("/v1/auth/register", new RegisterRequest(user.User.UserName.ToUpperInvariant(), TestUser.Password))
            .ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
    }

    [Fact]
    public async Task Wrong_passwords_and_unknown_names_get_the_same_answer()
    {
        var user = await functions.CreateUserAsync();
        var wrong = await functions.Anonymous.PostJsonAsync("/v1/auth/login", new LoginRequest(user.User.UserName, "wrong password"))
            .ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidCredentials);
        var unknown = await functions.Anonymous.PostJsonAsync("/v1/auth/login", new LoginRequest("nobody-here", "wrong password"))
            .ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidCredentials);
        Assert.Equal(wrong, unknown);
    }

    [Fact]
    public async Task Many_wrong_passwords_lock_the_account_even_for_the_right_one()
    {
        var user = await functions.CreateUserAsync();
        var limit = functions.App.Services.GetRequiredService<IOptions<IdentityOptions>>().Value.MaxFailedLogins;
        for (var i = 0; i < limit; i++)
        {
            await functions.Anonymous.PostJsonAsync("/v1/auth/login", new LoginRequest(user.User.UserName, "wrong password"))
                .ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidCredentials);
        }

        var locked = functions.Anonymous.PostJsonAsync("/v1/auth/login", new LoginRequest(user.User.UserName, TestUser.Password));
        await locked.ProblemAsync(HttpStatusCode.TooManyRequests, ErrorCodes.TooManyRequests);
        Assert.InRange((await locked).Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
    }

    [Fact]
    public async Task A_refresh_token_works_once_and_its_reuse_ends_the_login()
    {
        var user = await functions.CreateUserAsync();
        var second = await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/refresh", new RefreshRequest(user.RefreshToken));
        Assert.NotEqual(user.RefreshToken, second.RefreshToken);
        Assert.Equal(user.User.Id, (await functions.Client(second.AccessToken).GetAsync<User>("/v1/users/me")).Id);

        await functions.Anonymous.PostJsonAsync("/v1/auth/refresh", new RefreshRequest(user.RefreshToken))
            .ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidRefreshToken);

        // Somebody else has the first token: the thief's and the owner's later tokens are worthless too.
        await functions.Anonymous.PostJsonAsync("/v1/auth/refresh", new RefreshRequest(second.RefreshToken!))
            .ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidRefreshToken);
    }

    [Fact]
    public async Task Of_many_simultaneous_refreshes_with_one_token_at_most_one_succeeds()
    {
        var user = await functions.CreateUserAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(_ => functions.Anonymous.PostJsonAsync("/v1/auth/refresh", new RefreshRequest(user.RefreshToken))));
        Assert.Single(answers, static answer => answer.StatusCode == HttpStatusCode.OK);
    }

    [Fact]
    public async Task Logging_out_ends_the_login_and_may_be_repeated()
    {
        var user = await functions.CreateUserAsync();
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(HttpStatusCode.NoContent, (await functions.Anonymous.PostJsonAsync("/v1/auth/logout", new LogoutRequest(user.RefreshToken))).StatusCode);
        }

        await functions.Anonymous.PostJsonAsync("/v1/auth/refresh", new RefreshRequest(user.RefreshToken))
            .ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidRefreshToken);
    }

    [Fact]
    public async Task Access_tokens_end_with_their_login()
    {
        var user = await functions.CreateUserAsync();
        var login = new LoginRequest(user.User.UserName, TestUser.Password);
        var other = await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/login", login);
        var refreshed = await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/refresh", new RefreshRequest(user.RefreshToken));
        foreach (var token in new[] { user.AccessToken, refreshed.AccessToken, other.AccessToken })
        {
            await functions.Client(token).GetAsync<User>("/v1/users/me");
        }

        await functions.Anonymous.PostJsonAsync("/v1/auth/logout", new LogoutRequest(refreshed.RefreshToken!));
        foreach (var token in new[] { user.AccessToken, refreshed.AccessToken })
        {
            await functions.Client(token).GetAsync("/v1/users/me").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        }

        var changed = await functions.Client(other.AccessToken).PostAsync<TokenResponse>("/v1/users/me/password", new ChangePasswordRequest(TestUser.Password, "another horse battery"));
        await functions.Client(other.AccessToken).GetAsync("/v1/users/me").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
        await functions.Client(changed.AccessToken).GetAsync<User>("/v1/users/me");
    }

    [Fact]
    public async Task A_refresh_token_in_two_hands_ends_the_access_tokens_of_its_login()
    {
        var user = await functions.CreateUserAsync();
        var refreshed = await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/refresh", new RefreshRequest(user.RefreshToken));
        await functions.Client(refreshed.AccessToken).GetAsync<User>("/v1/users/me");
        await functions.Anonymous.PostJsonAsync("/v1/auth/refresh", new RefreshRequest(user.RefreshToken)).ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidRefreshToken);
        await functions.Client(refreshed.AccessToken).GetAsync("/v1/users/me").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
    }

    [Fact]
    public async Task Changing_the_password_needs_the_old_one_and_ends_other_logins()
    {
        var user = await functions.CreateUserAsync();
        await user.Client.PostJsonAsync("/v1/users/me/password", new ChangePasswordRequest("wrong", "a new long password"))
            .ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidCredentials);

        var fresh = await user.Client.PostAsync<TokenResponse>("/v1/users/me/password", new ChangePasswordRequest(TestUser.Password, "a new long password"));
        await functions.Anonymous.PostJsonAsync("/v1/auth/refresh", new RefreshRequest(user.RefreshToken))
            .ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidRefreshToken);
        await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/refresh", new RefreshRequest(fresh.RefreshToken!));
        await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(user.User.UserName, "a new long password"));
    }

    [Fact]
    public async Task Only_administrators_list_accounts_and_change_roles()
    {
        var user = await functions.CreateUserAsync();
        await user.Client.GetAsync("/v1/users").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await user.Client.SendJsonAsync(HttpMethod.Patch, $"/v1/users/{user.User.Id}", new UpdateUserRequest(UserRole.Administrator))
            .ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);

        var administrator = await functions.AdministratorAsync();
        var promoted = await (await administrator.Client.SendJsonAsync(HttpMethod.Patch, $"/v1/users/{user.User.Id}", new UpdateUserRequest(UserRole.Administrator)))
            .ReadAsync<User>();
        Assert.Equal(UserRole.Administrator, promoted.Role);
        Assert.Equal(promoted, await administrator.Client.GetAsync<User>($"/v1/users/{user.User.Id}"));
        await administrator.Client.GetAsync("/v1/users/unknown").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);

        // The role is in the token: the next login has it.
        var login = await functions.Anonymous.PostAsync<TokenResponse>("/v1/auth/login", new LoginRequest(user.User.UserName, TestUser.Password));
        var page = await functions.Client(login.AccessToken).GetAsync<Page<User>>("/v1/users?pageSize=1");
        Assert.Single(page.Items);
        Assert.NotNull(page.NextPageToken);
        await (await administrator.Client.SendJsonAsync(HttpMethod.Patch, $"/v1/users/{user.User.Id}", new UpdateUserRequest(UserRole.Member))).ReadAsync<User>();
    }

    [Fact]
    public async Task The_last_administrator_stays_one()
    {
        var administrator = await functions.AdministratorAsync();
        await administrator.Client.SendJsonAsync(HttpMethod.Patch, $"/v1/users/{administrator.User.Id}", new UpdateUserRequest(UserRole.Member))
            .ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
    }

    [Theory]
    [InlineData("orchestrations", FunctionsFixture.OrchestrationsSecret, true)]
    [InlineData("runner", FunctionsFixture.RunnerSecret, true)]
    [InlineData("orchestrations", FunctionsFixture.RunnerSecret, false)]
    [InlineData("somebody", "", false)]
    public async Task Services_log_in_with_their_own_secret(string client, string secret, bool accepted)
    {
        var answer = functions.Anonymous.PostJsonAsync("/v1/auth/service-token", new ServiceTokenRequest(client, secret));
        if (!accepted)
        {
            await answer.ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.InvalidCredentials);
            return;
        }

        var tokens = await (await answer).ReadAsync<TokenResponse>();
        Assert.Null(tokens.RefreshToken);

        // A service is no person: it has no account.
        await functions.Client(tokens.AccessToken).GetAsync("/v1/users/me").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
    }

    [Fact]
    public async Task Expired_forged_and_foreign_tokens_are_refused()
    {
        var user = await functions.CreateUserAsync();
        var options = functions.App.Services.GetRequiredService<IOptions<IdentityOptions>>();
        var expired = new TokenIssuer(options, new FakeTimeProvider(DateTimeOffset.UtcNow.AddHours(-1))).ForUser(user.User.Id, "x", "administrator", "login").Token;
        var otherKey = Options.Create(new IdentityOptions { SigningKey = Convert.ToBase64String(new byte[32]) });
        var forged = new TokenIssuer(otherKey, TimeProvider.System).ForUser(user.User.Id, "x", "administrator", "login").Token;
        var parts = user.AccessToken.Split('.');
        var unsigned = $"{Convert.ToBase64String("{\"alg\":\"none\",\"typ\":\"JWT\"}"u8).TrimEnd('=')}.{parts[1]}.";
        foreach (var token in (string[])[expired, forged, unsigned, $"{parts[0]}.{parts[1]}.AAAA", "garbage"])
        {
            var answer = functions.Client(token).GetAsync("/v1/users/me");
            await answer.ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
            Assert.Equal("Bearer", (await answer).Headers.WwwAuthenticate.Single().Scheme);
        }

        await functions.Anonymous.GetAsync("/v1/users/me").ProblemAsync(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated);
    }

    [Fact]
    public async Task Job_and_runner_tokens_reach_nothing_of_people()
    {
        foreach (var client in (HttpClient[])[functions.Job("job", "run"), functions.Runner()])
        {
            await client.GetAsync("/v1/projects").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
            await client.GetAsync("/v1/users").ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        }
    }

    [Fact]
    public async Task Two_instances_starting_at_once_make_one_administrator_and_accept_each_others_tokens()
    {
        var user = await functions.CreateUserAsync();
        await using var another = await functions.StartAnotherAsync();
        using var client = another.CreateClient(user.AccessToken);
        Assert.Equal(user.User, await client.GetAsync<User>("/v1/users/me"));
        var refreshed = await client.PostAsync<TokenResponse>("/v1/auth/refresh", new RefreshRequest(user.RefreshToken));
        Assert.Equal(user.User, await functions.Client(refreshed.AccessToken).GetAsync<User>("/v1/users/me"));

        var administrator = await functions.AdministratorAsync();
        var users = await administrator.Client.GetAsync<Page<User>>("/v1/users?pageSize=500");
        Assert.Single(users.Items, static item => item.UserName == FunctionsFixture.AdministratorName);
    }
}
