using System.Text.Json;
using AiPlatform.DurableTask;
using AiPlatform.DurableTask.Client;
using AiPlatform.DurableTask.Entities;
using AiPlatform.DurableTask.Scheduler;
using AiPlatform.DurableTask.Worker;
using AiPlatform.DurableTask.Worker.Replay;
using Azure.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.Tests.DurableTask;

/// <summary>The small types of the SDK.</summary>
public sealed class AbstractionTests
{
    [Fact]
    public void Task_names_ignore_case()
    {
        Assert.True(new TaskName("Train") == "train");
        Assert.True(new TaskName("Train") != "Trains");
        Assert.Equal(new TaskName("A").GetHashCode(), new TaskName("a").GetHashCode());
        Assert.Equal(string.Empty, default(TaskName).ToString());
    }

    [Fact]
    public void A_connection_string_has_three_required_parts()
    {
        var parsed = new DurableTaskSchedulerConnectionString("Endpoint=https://x.northeurope.durabletask.io;TaskHub=hub;Authentication=WorkloadIdentity;ClientID=c;TenantId=t;TokenFilePath=/p");
        Assert.Equal(("https://x.northeurope.durabletask.io/", "hub", "WorkloadIdentity", "c", "t", "/p"),
            (parsed.Endpoint.ToString(), parsed.TaskHubName, parsed.Authentication, parsed.ClientId, parsed.TenantId, parsed.TokenFilePath));
        Assert.Contains("TaskHub", Assert.Throws<ArgumentException>(() => new DurableTaskSchedulerConnectionString("Endpoint=http://x;Authentication=None")).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<ArgumentException>(() => new DurableTaskSchedulerConnectionString("nonsense"));
    }

    [Theory]
    [InlineData("None", null)]
    [InlineData("DefaultAzure", "DefaultAzureCredential")]
    [InlineData("ManagedIdentity", "ManagedIdentityCredential")]
    [InlineData("WorkloadIdentity", "WorkloadIdentityCredential")]
    [InlineData("environment", "EnvironmentCredential")]
    [InlineData("AzureCLI", "AzureCliCredential")]
    [InlineData("AzurePowerShell", "AzurePowerShellCredential")]
    [InlineData("AzureDeveloperCLI", "AzureDeveloperCliCredential")]
    [InlineData("Visual Studio", "VisualStudioCredential")]
    [InlineData("VisualStudioCode", "VisualStudioCodeCredential")]
    [InlineData("InteractiveBrowser", "InteractiveBrowserCredential")]
    [InlineData("DeviceCode", "DeviceCodeCredential")]
    public void Each_kind_of_authentication_has_its_credential(string kind, string? expected)
    {
        var connection = new DurableTaskSchedulerConnectionString($"Endpoint=https://x;TaskHub=h;Authentication={kind};ClientID=c;TenantId=t;TokenFilePath=/p");
        Assert.Equal(expected, SchedulerCredential.Create(connection)?.GetType().Name);
    }

    [Fact]
    public async Task A_token_is_for_the_configured_audience_and_fetched_anew_before_it_expires()
    {
        var time = new FakeTimeProvider();
        var source = new CountingCredential(time);
        using var credential = new SchedulerCredential(source, "https://hub.example", time);
        Assert.Equal("1 https://hub.example/.default", await credential.GetTokenAsync(CancellationToken.None));
        time.Advance(TimeSpan.FromMinutes(54));
        Assert.StartsWith("1 ", await credential.GetTokenAsync(CancellationToken.None), StringComparison.Ordinal);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.StartsWith("2 ", await credential.GetTokenAsync(CancellationToken.None), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_clouds_and_tenants_are_part_of_the_connection_string()
    {
        var parsed = new DurableTaskSchedulerConnectionString(
            "Endpoint=x.durabletask.example;TaskHub=h;Authentication=WorkloadIdentity;AdditionallyAllowedTenants=a, b;AuthorityHost=https://login.example/;ResourceId=https://r/");
        Assert.Equal(("https://x.durabletask.example/", "https://login.example/", "https://r"), (parsed.Endpoint.ToString(), parsed.AuthorityHost!.ToString(), parsed.ResourceId));
        Assert.Equal(["a", "b"], parsed.AdditionallyAllowedTenants);
        Assert.Throws<ArgumentException>(() => new DurableTaskSchedulerConnectionString("Endpoint=http://x;TaskHub=h;Authentication=None;AuthorityHost=http://plain").AuthorityHost);
        Assert.Throws<ArgumentException>(() => new DurableTaskSchedulerConnectionString("Endpoint=http://;TaskHub=h;Authentication=None"));
    }

    [Fact]
    public void A_worker_takes_the_converter_of_the_services_unless_it_has_its_own()
    {
        var converter = new JsonDataConverter();
        using var services = new ServiceCollection().AddSingleton<DataConverter>(converter).BuildServiceProvider();
        var (without, with) = (new DurableTaskWorkerOptions(), new DurableTaskWorkerOptions { DataConverter = JsonDataConverter.Default });
        without.UseConverterOf(services);
        with.UseConverterOf(services);
        Assert.Same(converter, without.DataConverter);
        Assert.Same(JsonDataConverter.Default, with.DataConverter);
    }

    [Fact]
    public void An_unknown_kind_of_authentication_is_refused()
        => Assert.Throws<ArgumentException>(() => SchedulerCredential.Create(new DurableTaskSchedulerConnectionString("Endpoint=http://x;TaskHub=h;Authentication=Magic")));

    [Fact]
    public void A_retry_policy_backs_off_up_to_its_limit_and_checks_its_arguments()
    {
        var policy = new RetryPolicy(10, TimeSpan.FromSeconds(1), 2, TimeSpan.FromSeconds(5));
        Assert.Equal([1, 2, 4, 5, 5], Enumerable.Range(1, 5).Select(attempt => policy.DelayAfter(attempt).TotalSeconds));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetryPolicy(0, TimeSpan.FromSeconds(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetryPolicy(1, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetryPolicy(1, TimeSpan.FromSeconds(1), 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new RetryPolicy(1, TimeSpan.FromSeconds(9), 1, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Failure_details_survive_the_wire_and_know_their_exception()
    {
        var details = TaskFailureDetails.FromProto(TaskFailureDetails.FromException(new ArgumentNullException("x", new FormatException("inner"))).ToProto())!;
        Assert.True(details.IsCausedBy<ArgumentException>());
        Assert.False(details.IsCausedBy<FormatException>());
        Assert.True(details.InnerFailure!.IsCausedBy<FormatException>());
        Assert.Throws<ArgumentException>(() => details.IsCausedBy(typeof(string)));
        Assert.Equal($"{details.ErrorType}: {details.ErrorMessage}", details.ToString());
        Assert.False(new TaskFailureDetails("some.python.Error", "", null, null).IsCausedBy<FormatException>());
    }

    [Fact]
    public void The_data_converter_writes_numbers_that_JSON_does_not_have()
    {
        var text = JsonDataConverter.Default.Serialize(new { Loss = double.NaN, Day = DayOfWeek.Monday });
        Assert.Equal("""{"loss":"NaN","day":"monday"}""", text);
        Assert.True(double.IsNaN(JsonDataConverter.Default.Deserialize<double>("\"NaN\"")));
        Assert.Null(JsonDataConverter.Default.Serialize(null));
        Assert.Throws<JsonException>(() => JsonDataConverter.Default.Deserialize<int>("{"));
    }

    [Fact]
    public void A_name_can_be_registered_once()
    {
        var registry = new DurableTaskRegistry().AddActivityFunc<int, int>("A", (_, value) => value);
        Assert.Throws<ArgumentException>(() => registry.AddActivityFunc<int, int>("a", (_, value) => value));
        Assert.ThrowsAny<ArgumentException>(() => registry.AddActivityFunc<int, int>(default, (_, value) => value));
        var (renamed, generic) = (typeof(Renamed), typeof(TaskEntity<>));
        registry.AddOrchestrator(renamed);
        Assert.Throws<ArgumentException>(() => registry.AddOrchestrator<Renamed>());
        Assert.Contains(new TaskName("other-name"), registry.Orchestrators.Keys);
        Assert.Throws<ArgumentException>(() => registry.AddActivity(renamed));
        Assert.Throws<ArgumentException>(() => registry.AddEntity(generic));
    }

    [Fact]
    public void A_client_and_a_worker_need_a_task_hub()
    {
        Assert.Throws<InvalidOperationException>(() => new ServiceCollection().AddDurableTaskClient(_ => { }));
        Assert.Throws<InvalidOperationException>(() => new ServiceCollection().AddDurableTaskWorker(_ => { }));
    }

    [Fact]
    public async Task Clients_have_names()
    {
        const string Hub = "Endpoint=http://127.0.0.1:1;TaskHub=h;Authentication=None";
        await using var services = new ServiceCollection()
            .AddDurableTaskClient(client => client.UseDurableTaskScheduler(Hub))
            .AddDurableTaskClient("other", client => client.UseDurableTaskScheduler(Hub))
            .BuildServiceProvider();
        var clients = services.GetRequiredService<IDurableTaskClientProvider>();
        Assert.Same(services.GetRequiredService<DurableTaskClient>(), clients.GetClient());
        Assert.Equal(("", "other", "other"), (clients.GetClient().Name, clients.GetClient("other").Name, clients.GetClient("other").Entities.Name));
        Assert.Throws<InvalidOperationException>(() => clients.GetClient("unknown"));
    }

    [Fact]
    public void The_cache_forgets_the_least_recently_used_orchestrator()
    {
        var cache = new SessionCache(2);
        OrchestrationSession New(string id) => new(id, _ => null, JsonDataConverter.Default, NullLoggerFactory.Instance);
        cache.Put("a", New("a"));
        cache.Put("b", New("b"));
        cache.Put("a", cache.Take("a")!);
        cache.Put("c", New("c"));
        Assert.Null(cache.Take("b"));
        Assert.NotNull(cache.Take("a"));
        Assert.Null(cache.Take("a"));
    }

    private sealed class CountingCredential(TimeProvider time) : TokenCredential
    {
        private int _count;

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
            => new($"{++_count} {requestContext.Scopes[0]}", time.GetUtcNow().AddHours(1));

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
            => ValueTask.FromResult(GetToken(requestContext, cancellationToken));
    }

    [DurableTask("other-name")]
    private sealed class Renamed : TaskOrchestrator<int, int>
    {
        public override Task<int> RunAsync(TaskOrchestrationContext context, int input) => Task.FromResult(input);
    }
}
