using AiPlatform.Hosting.TaskHubs;
using Azure.Core;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.DurableTask.Protobuf;
using Microsoft.Extensions.Time.Testing;

namespace AiPlatform.Tests.DurableTask;

/// <summary>How clients and workers find their hub, and show who they are.</summary>
public sealed class ConnectionTests
{
    [Fact]
    public void A_connection_string_has_three_required_parts()
    {
        var parsed = new TaskHubConnectionString("Endpoint=https://x.northeurope.durabletask.io;TaskHub=hub;Authentication=WorkloadIdentity;ClientID=c;TenantId=t;TokenFilePath=/p");
        Assert.Equal(("https://x.northeurope.durabletask.io/", "hub", "WorkloadIdentity", "c", "t", "/p"),
            (parsed.Endpoint.ToString(), parsed.TaskHubName, parsed.Authentication, parsed.ClientId, parsed.TenantId, parsed.TokenFilePath));
        Assert.Contains("TaskHub", Assert.Throws<ArgumentException>(() => new TaskHubConnectionString("Endpoint=http://x;Authentication=None")).Message, StringComparison.Ordinal);
        Assert.ThrowsAny<ArgumentException>(() => new TaskHubConnectionString("nonsense"));
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
        var connection = new TaskHubConnectionString($"Endpoint=https://x;TaskHub=h;Authentication={kind};ClientID=c;TenantId=t;TokenFilePath=/p");
        Assert.Equal(expected, TaskHubToken.Create(connection)?.GetType().Name);
    }

    [Fact]
    public async Task A_token_is_for_the_configured_audience_and_fetched_anew_before_it_expires()
    {
        var time = new FakeTimeProvider();
        var source = new CountingCredential(time);
        using var credential = new TaskHubToken(source, "https://hub.example", time);
        Assert.Equal("1 https://hub.example/.default", await credential.GetAsync(CancellationToken.None));
        time.Advance(TimeSpan.FromMinutes(54));
        Assert.StartsWith("1 ", await credential.GetAsync(CancellationToken.None), StringComparison.Ordinal);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.StartsWith("2 ", await credential.GetAsync(CancellationToken.None), StringComparison.Ordinal);
    }

    [Fact]
    public void Other_clouds_and_tenants_are_part_of_the_connection_string()
    {
        var parsed = new TaskHubConnectionString(
            "Endpoint=x.durabletask.example;TaskHub=h;Authentication=WorkloadIdentity;AdditionallyAllowedTenants=a, b;AuthorityHost=https://login.example/;ResourceId=https://r/");
        Assert.Equal(("https://x.durabletask.example/", "https://login.example/", "https://r"), (parsed.Endpoint.ToString(), parsed.AuthorityHost!.ToString(), parsed.ResourceId));
        Assert.Equal(["a", "b"], parsed.AdditionallyAllowedTenants);
        Assert.Throws<ArgumentException>(() => new TaskHubConnectionString("Endpoint=http://x;TaskHub=h;Authentication=None;AuthorityHost=http://plain").AuthorityHost);
        Assert.Throws<ArgumentException>(() => new TaskHubConnectionString("Endpoint=http://;TaskHub=h;Authentication=None"));
    }

    [Fact]
    public void An_unknown_kind_of_authentication_is_refused()
        => Assert.Throws<ArgumentException>(() => TaskHubToken.Create(new TaskHubConnectionString("Endpoint=http://x;TaskHub=h;Authentication=Magic")));

    [Fact]
    public async Task An_access_key_is_the_token()
    {
        var credential = TaskHubToken.Create(new TaskHubConnectionString("Endpoint=http://x;TaskHub=h;Authentication=AccessKey;AccessKey=secret"))!;
        Assert.Equal("secret", (await credential.GetTokenAsync(new TokenRequestContext([]), CancellationToken.None)).Token);
        Assert.Throws<ArgumentException>(() => TaskHubToken.Create(new TaskHubConnectionString("Endpoint=http://x;TaskHub=h;Authentication=AccessKey")));
    }

    [Fact]
    public async Task A_worker_waits_for_its_hub_and_knows_whether_it_is_connected()
    {
        var time = new FakeTimeProvider();
        var link = new TaskHubWorkerLink(time);
        var hub = new AwayHub(failures: 3);
        var stub = new TaskHubSidecarService.TaskHubSidecarServiceClient(hub.Intercept(link));
        Assert.False(link.IsConnected);
        var hello = stub.HelloAsync(new(), deadline: time.GetUtcNow().UtcDateTime.AddSeconds(30)).ResponseAsync;
        Assert.False(hello.IsCompleted);
        Assert.Contains("away", link.Reason, StringComparison.Ordinal);
        await PassAsync(time, hello);
        await hello;
        Assert.Equal(4, hub.Calls);

        using var items = stub.GetWorkItems(new());
        var next = items.ResponseStream.MoveNext(CancellationToken.None);
        Assert.True(link.IsConnected);
        hub.End();
        Assert.False(await next);
        Assert.Equal((false, "The hub ended the connection."), (link.IsConnected, link.Reason));
    }

    [Fact]
    public async Task A_worker_gives_a_greeting_up_at_its_deadline()
    {
        var time = new FakeTimeProvider();
        var hub = new AwayHub(failures: int.MaxValue);
        var stub = new TaskHubSidecarService.TaskHubSidecarServiceClient(hub.Intercept(new TaskHubWorkerLink(time)));
        var hello = stub.HelloAsync(new(), deadline: time.GetUtcNow().UtcDateTime.AddSeconds(1)).ResponseAsync;
        await PassAsync(time, hello);
        var refused = await Assert.ThrowsAsync<RpcException>(() => hello);
        Assert.Equal(StatusCode.Unavailable, refused.StatusCode);
    }

    /// <summary>Lets time pass until a task has ended; what it waits for begins on another thread.</summary>
    private static async Task PassAsync(FakeTimeProvider time, Task task)
    {
        for (var step = 0; step < 2000 && !task.IsCompleted; step++)
        {
            time.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(1);
        }

        Assert.True(task.IsCompleted);
    }

    private sealed class CountingCredential(TimeProvider time) : TokenCredential
    {
        private int _count;

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
            => new($"{++_count} {requestContext.Scopes[0]}", time.GetUtcNow().AddHours(1));

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken)
            => ValueTask.FromResult(GetToken(requestContext, cancellationToken));
    }

    /// <summary>A hub that is away for some calls, and then has nothing to do.</summary>
    private sealed class AwayHub(int failures) : CallInvoker
    {
        private readonly TaskCompletionSource<bool> _end = new();

        public int Calls { get; private set; }

        public void End() => _end.SetResult(false);

        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
        {
            var answer = Calls++ < failures
                ? Task.FromException<TResponse>(new RpcException(new Status(StatusCode.Unavailable, "away")))
                : Task.FromResult((TResponse)(object)request);
            return new(answer, Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });
        }

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request)
            => new(new Nothing<TResponse>(_end.Task), Task.FromResult(new Metadata()), () => Status.DefaultSuccess, () => [], () => { });

        public override TResponse BlockingUnaryCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options, TRequest request) => throw new NotSupportedException();

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            Method<TRequest, TResponse> method, string? host, CallOptions options) => throw new NotSupportedException();

        private sealed class Nothing<T>(Task<bool> end) : IAsyncStreamReader<T>
        {
            public T Current => throw new InvalidOperationException();

            public Task<bool> MoveNext(CancellationToken cancellationToken) => end;
        }
    }
}
