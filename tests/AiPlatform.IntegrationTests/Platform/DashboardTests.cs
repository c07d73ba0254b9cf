using System.Net;
using System.Reflection;
using AiPlatform.Hosting;
using AiPlatform.Local.Servers;
using Grpc.Core;
using Grpc.Net.Client;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>The dashboard as <c>infra/up --dashboard</c> starts it.</summary>
public sealed class DashboardTests : IAsyncDisposable
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(static bytes => bytes, static bytes => bytes);

    private static readonly Method<byte[], byte[]> Export
        = new(MethodType.Unary, "opentelemetry.proto.collector.trace.v1.TraceService", "Export", Bytes, Bytes);

    private readonly string _folder = Directory.CreateTempSubdirectory("aip dashboard ").FullName;
    private readonly int _port = TcpPorts.Free();
    private readonly HttpClient _browser = new(new HttpClientHandler { AllowAutoRedirect = false });
    private DashboardServer? _dashboard;

    public async ValueTask DisposeAsync()
    {
        await (_dashboard?.DisposeAsync() ?? ValueTask.CompletedTask);
        _browser.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Its_link_logs_a_browser_in_and_nobody_else_looks_or_sends()
    {
        var package = typeof(DashboardTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static metadata => metadata.Key == "Dashboard").Value!;
        var dashboard = Make(package);
        await dashboard.RestartAsync(CancellationToken.None);

        Assert.Equal("/", await RedirectAsync(dashboard.Link));
        Assert.Equal("/login", await RedirectAsync($"http://127.0.0.1:{_port}/login?t=0123456789abcdef0123456789abcdef"));
        using var stranger = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false });
        using var answer = await stranger.GetAsync($"http://127.0.0.1:{_port}/traces");
        Assert.Equal((HttpStatusCode.Redirect, "/login"), (answer.StatusCode, answer.Headers.Location!.AbsolutePath));

        var header = dashboard.Telemetry["OTEL_EXPORTER_OTLP_HEADERS"].Split('=');

        // Field 1, partial_success, empty: nothing was rejected.
        Assert.Equal([10, 0], await SendAsync(new Metadata { { header[0], header[1] } }));
        var refused = await Assert.ThrowsAsync<RpcException>(() => SendAsync([]));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        refused = await Assert.ThrowsAsync<RpcException>(() => SendAsync(new Metadata { { header[0], "x" } }));
        Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);

        // Logs are for more eyes than traces.
        var log = File.Exists(LogFile) ? await File.ReadAllTextAsync(LogFile) : string.Empty;
        Assert.DoesNotContain(dashboard.Link.Split('=')[1], log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_it_is_not_installed_one_line_says_how_to_get_it()
    {
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => Make(_folder).RestartAsync(CancellationToken.None));
        Assert.Contains("infra/up --dashboard", exception.Message, StringComparison.Ordinal);
    }

    private string LogFile => Path.Combine(_folder, "dashboard.log");

    private DashboardServer Make(string folder) => _dashboard = new DashboardServer(folder, _port, TcpPorts.Free(), LogFile);

    private async Task<string> RedirectAsync(string address)
    {
        using var answer = await _browser.GetAsync(address);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        return new Uri(new Uri(address), answer.Headers.Location!).AbsolutePath;
    }

    private async Task<byte[]> SendAsync(Metadata headers)
    {
        using var channel = GrpcChannel.ForAddress(_dashboard!.Telemetry["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        using var call = channel.CreateCallInvoker().AsyncUnaryCall(Export, null, new CallOptions(headers), []);
        return await call;
    }
}
