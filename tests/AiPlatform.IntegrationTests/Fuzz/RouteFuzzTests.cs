using AiPlatform.Client;
using AiPlatform.Fuzz.Fuzzing;
using AiPlatform.Fuzz.Routes;
using AiPlatform.IntegrationTests.Functions;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Fuzz;

/// <summary>A short run of the fuzzer of routes, the same every time, and the requests that once broke something.</summary>
[Collection(ServersCollection.Name)]
public sealed class RouteFuzzTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const int Requests = 3_000;

    public static TheoryData<string> Kept() => [.. Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "Seeds", "routes")).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Fact]
    public async Task No_route_answers_a_strange_request_with_an_error_of_the_server()
    {
        var report = new FuzzReport();
        // The task hub is away in these tests, and its routes say so.
        var fuzzer = Create(report);
        await fuzzer.RunAsync(7, FuzzBudget.Of(Requests), static operation => !operation.Pattern.Contains("durabletask", StringComparison.Ordinal) && !operation.Pattern.StartsWith("/v1/tasks", StringComparison.Ordinal));
        Assert.True(report.Findings.Count == 0, report.Explain());
        Assert.InRange(report.Tried, Requests * 9 / 10, Requests);
        Assert.InRange(report.Outcome("routes 200"), Requests / 20, Requests);
    }

    [Theory]
    [MemberData(nameof(Kept))]
    public async Task What_once_broke_a_route_is_answered(string name)
    {
        var report = new FuzzReport();
        var request = FuzzRequest.Read(await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "Seeds", "routes", name)));
        var user = await functions.AdministratorAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        var api = new AiPlatformClient(functions.Anonymous, new FixedTokenSource(user.AccessToken));
        var experiment = await api.CreateExperimentAsync(project.Name, new("kept"), CancellationToken.None);
        var run = await api.CreateRunAsync(project.Name, experiment.Id, new(), CancellationToken.None);
        var status = await Create(report).TryAsync(request.With(("{project}", project.Name), ("{experiment}", experiment.Id), ("{run}", run.Id)));
        Assert.True(report.Findings.Count == 0, report.Explain());
        Assert.InRange(status, 200, 499);
        Assert.NotEqual(404, status);
    }

    private RouteFuzzer Create(FuzzReport report) => new(
        report, functions.Client(null), new Login(functions),
        [new ServiceTokenSource(functions.Anonymous, "orchestrations", FunctionsFixture.OrchestrationsSecret, TimeProvider.System), new ServiceTokenSource(functions.Anonymous, "runner", FunctionsFixture.RunnerSecret, TimeProvider.System)]);

    private sealed class Login(FunctionsFixture functions) : ITokenSource
    {
        private string? _token;

        public async ValueTask<string?> GetTokenAsync(string? rejected, CancellationToken cancellationToken) => _token ??= (await functions.AdministratorAsync()).AccessToken;
    }
}
