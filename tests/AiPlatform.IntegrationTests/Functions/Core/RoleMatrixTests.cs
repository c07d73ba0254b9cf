using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using AiPlatform.Contracts.Identity;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Every route is called by every kind of caller; the routes come from the app itself, so that new ones are tested without asking.</summary>
[Collection(ServersCollection.Name)]
[Trait("Area", "All")]
public sealed partial class RoleMatrixTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Nobody = "nobody";
    private const int AtOnce = 8;

    private static readonly string[] Everybody = [Nobody, "member", "administrator", "service", "runner", "job", "readToken", "writeToken", "fullToken"];

    // What a job does with its own run, and its runner for it.
    private static readonly string[] ReadOfRuns =
    [
        "tracking.run.read", "tracking.artifact.read", "tracking.media.read", "tracking.loggedModel.read", "mlflow.trace.read", "mlflow.server.read", "compute.job.read",
    ];

    private static readonly string[] WrittenOfRuns =
    [
        "tracking.run.log", "tracking.artifact.log", "tracking.media.log", "tracking.loggedModel.log", "mlflow.trace.log", "compute.job.log",
    ];

    // Who may do what, written out: the rule of the app is not asked.
    private static string[] Allowed(string? action) => action switch
    {
        null => Everybody,
        "identity.account.manage" => ["member", "administrator", "fullToken"],
        "compute.task.execute" => ["service", "runner"],
        _ when ReadOfRuns.Contains(action) => ["member", "administrator", "service", "runner", "job", "readToken", "writeToken", "fullToken"],
        _ when WrittenOfRuns.Contains(action) => ["member", "administrator", "service", "runner", "job", "writeToken", "fullToken"],
        _ => action[(action.LastIndexOf('.') + 1)..] switch
        {
            "administer" => ["administrator"],
            "orchestrate" => ["service"],
            "execute" => ["runner"],
            "read" or "list" => ["member", "administrator", "service", "readToken", "writeToken", "fullToken"],
            "write" or "delete" or "cancel" or "approve" or "manage" => ["member", "administrator", "service", "writeToken", "fullToken"],
            var verb => throw new InvalidOperationException($"Nobody has said who may {verb}."),
        },
    };

    // They check for themselves, and answer 401 or 403 about what was sent, not about the caller.
    private static readonly string[] OwnRefusals = ["/v1/auth/", "/v1/dataset-contents/", "/metrics"];

    // What would end the tests' own logins, or waits for events.
    private static readonly string[] NotCalled = ["/v1/auth/logout", "/v1/events"];

    [Fact]
    public async Task A_caller_is_let_in_where_its_role_allows_it_and_nowhere_else()
    {
        var callers = await CallersAsync();
        Assert.Equal(callers.Keys.Order(StringComparer.Ordinal), Everybody.Order(StringComparer.Ordinal));
        var calls = Routes().SelectMany(route => callers.Select(caller => (Route: route, Caller: caller.Key, Client: caller.Value))).ToList();
        Assert.InRange(calls.Count, 2_000, 100_000);
        var wrong = new System.Collections.Concurrent.ConcurrentBag<string>();
        await Parallel.ForEachAsync(calls, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (call, cancellationToken) =>
        {
            var status = await CallAsync(call.Client, call.Route, Ids.New(TimeProvider.System), cancellationToken);
            var let = status is not (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden);
            if (let != Allowed(call.Route.Action).Contains(call.Caller) && !(call.Route.Action is null && OwnRefusals.Any(prefix => call.Route.Pattern.StartsWith(prefix, StringComparison.Ordinal))))
            {
                wrong.Add($"{call.Caller} {call.Route.Method} {call.Route.Pattern} ({call.Route.Action}): {(int)status}");
            }
        });
        Assert.Empty(wrong.Where(static line => !OwnRules().IsMatch(line)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task For_a_stranger_no_route_knows_the_project_of_another()
    {
        var (owner, stranger) = (await functions.CreateUserAsync(), await functions.CreateUserAsync());
        var (project, nothing) = (await functions.CreateProjectAsync(owner.Client), Ids.New(TimeProvider.System));
        var reads = Routes().Where(static route => route is { Method: "GET", Action: { } action } && (action.EndsWith(".read", StringComparison.Ordinal) || action.EndsWith(".list", StringComparison.Ordinal)) && route.Pattern.Contains("{project}", StringComparison.Ordinal)).ToList();
        Assert.InRange(reads.Count, 30, 1_000);
        foreach (var route in reads)
        {
            // As if there were no such project; what else is wrong with the call may be said first.
            var (other, none) = (await CallAsync(stranger.Client, route, project.Id, CancellationToken.None), await CallAsync(stranger.Client, route, nothing, CancellationToken.None));
            Assert.True(other == none && (other is HttpStatusCode.NotFound or HttpStatusCode.BadRequest), $"{route.Pattern}: {other}, {none}");
        }
    }

    private async Task<Dictionary<string, HttpClient>> CallersAsync()
    {
        var (member, administrator) = (await functions.CreateUserAsync(), await functions.AdministratorAsync());
        async Task<HttpClient> TokenAsync(string scope) => functions.Client(
            (await member.Client.PostAsync<CreatedAccessToken>("/v1/users/me/tokens", new CreateAccessTokenRequest(functions.Name("token"), Scopes: [scope]))).Token);
        return new Dictionary<string, HttpClient>(StringComparer.Ordinal)
        {
            [Nobody] = functions.Anonymous,
            ["member"] = member.Client,
            ["administrator"] = administrator.Client,
            ["service"] = functions.Service(),
            ["runner"] = functions.Runner(),
            ["job"] = functions.Job(Ids.New(TimeProvider.System), Ids.New(TimeProvider.System)),
            ["readToken"] = await TokenAsync(TokenScopes.Read),
            ["writeToken"] = await TokenAsync(TokenScopes.Write),
            ["fullToken"] = await TokenAsync(TokenScopes.Full),
        };
    }

    private IEnumerable<Route> Routes()
        => functions.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(static endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]).Select(method => new Route(
                method, "/" + endpoint.RoutePattern.RawText!.TrimStart('/'), endpoint.Metadata.GetMetadata<RouteAction>()!.Action?.Name)))
            .Where(static route => !NotCalled.Contains(route.Pattern) && !route.Pattern.StartsWith("/runtime/", StringComparison.Ordinal));

    private static async Task<HttpStatusCode> CallAsync(HttpClient client, Route route, string project, CancellationToken cancellationToken)
    {
        // Numbers fit every constraint; a project is found or not, all other things are not there.
        var path = Parameter().Replace(route.Pattern, match => match.Groups["name"].Value == "project" ? project : "1");
        using var request = new HttpRequestMessage(new HttpMethod(route.Method), path);
        if (route.Method is not ("GET" or "HEAD" or "DELETE"))
        {
            request.Content = new StringContent("{\"no such field\":1}", Encoding.UTF8, "application/json");
        }

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return response.StatusCode;
    }

    [GeneratedRegex(@"\{\*{0,2}(?<name>\w+)(:[^}]*)?\??\}", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Parameter();

    // Rules of the route's own, beyond roles: orchestrations belong to jobs; services own no projects.
    [GeneratedRegex(@"^(member|readToken|writeToken|fullToken|job|runner|service) \w+ (/durabletask/|/v1/projects \(identity\.project\.write\)|/v1/tasks)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex OwnRules();

    private sealed record Route(string Method, string Pattern, string? Action);
}
