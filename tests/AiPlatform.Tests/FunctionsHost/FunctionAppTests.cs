using AiPlatform.FunctionsHost.App;
using AiPlatform.FunctionsHost.Rpc;
using AiPlatform.FunctionsHost.Workers;

namespace AiPlatform.Tests.FunctionsHost;

public sealed class FunctionAppTests : IDisposable
{
    private const string Framework = """{"description":{"language":"dotnet-isolated","defaultExecutablePath":"dotnet","defaultWorkerPath":"App.dll","workerIndexing":"true"}}""";
    private readonly string _folder = Directory.CreateTempSubdirectory("aip app ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void An_app_that_needs_the_runtime_is_run_by_dotnet()
    {
        var app = Read(Framework, """{"version":"2.0"}""");
        Assert.Equal(("dotnet", Path.Combine(_folder, "App.dll"), "api"), (app.Executable, app.WorkerFile, app.RoutePrefix));
        Assert.Equal(TimeSpan.FromMinutes(30), app.FunctionTimeout);
    }

    [Fact]
    public void An_app_that_brings_the_runtime_is_run_by_itself()
    {
        var app = Read("""{"description":{"defaultExecutablePath":"{WorkerRoot}App","defaultWorkerPath":"App.dll"}}""", """{"version":"2.0"}""");
        Assert.Equal((Path.Combine(_folder, "App"), null), (app.Executable, app.WorkerFile));
    }

    [Theory]
    [InlineData("""{"extensions":{"http":{"routePrefix":""}}}""", "", 30)]
    [InlineData("""{ /* with words */ "Extensions":{"HTTP":{"routePrefix":"/v2/"}}, "functionTimeout":"00:10:00", }""", "v2", 10)]
    [InlineData("""{"functionTimeout":"-1"}""", "api", null)]
    public void Host_json_says_prefix_and_time(string json, string prefix, int? minutes)
    {
        var app = Read(Framework, json);
        Assert.Equal(prefix, app.RoutePrefix);
        Assert.Equal(minutes is { } limit ? TimeSpan.FromMinutes(limit) : null, app.FunctionTimeout);
    }

    [Theory]
    [InlineData(Framework, """{"functionTimeout":"soon"}""", "soon")]
    [InlineData("{}", "{}", "description")]
    [InlineData("""{"description":{}}""", "{}", "executable")]
    [InlineData("nonsense", "{}", "worker.config.json")]
    public void What_cannot_be_an_app_is_named(string worker, string host, string named)
        => Assert.Contains(named, Assert.Throws<InvalidOperationException>(() => Read(worker, host)).Message, StringComparison.Ordinal);

    [Fact]
    public void Triggers_are_read_whatever_the_case_of_their_properties()
    {
        var http = FunctionDescription.Read(Metadata("""{"name":"req","direction":"In","type":"HttpTrigger","Methods":["get","post"],"Route":"a/{b}"}"""));
        Assert.Equal(("a/{b}", "get post"), (Assert.IsType<HttpTrigger>(http.Trigger).Route, string.Join(' ', ((HttpTrigger)http.Trigger).Methods)));
        var unnamed = FunctionDescription.Read(Metadata("""{"name":"res","direction":"Out","type":"http"}""", """{"name":"req","type":"httpTrigger"}"""));
        Assert.Equal("f", Assert.IsType<HttpTrigger>(unnamed.Trigger).Route);
        var timer = FunctionDescription.Read(Metadata("""{"name":"t","type":"timerTrigger","schedule":"0 * * * * *","runOnStartup":true,"useMonitor":false}"""));
        Assert.Equal(new TimerTrigger("t", "0 * * * * *", true, false), timer.Trigger);
    }

    [Theory]
    [InlineData("""{"name":"m","type":"serviceBusTrigger","queueName":"q"}""", "serviceBusTrigger")]
    [InlineData("""{"name":"t","type":"timerTrigger"}""", "schedule")]
    [InlineData("""{"name":"o","type":"http"}""", "trigger")]
    public void A_trigger_that_is_not_served_is_named_with_its_function(string binding, string named)
    {
        var message = Assert.Throws<InvalidOperationException>(() => FunctionDescription.Read(Metadata(binding))).Message;
        Assert.Contains(named, message, StringComparison.Ordinal);
        Assert.Contains(" f ", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_worker_s_id_is_not_in_its_command_line_and_the_host_s_own_settings_stay_with_it()
    {
        var app = Read(Framework, "{}");
        var command = WorkerCommand.For(
            app,
            new Uri("http://127.0.0.1:4711/"),
            "the-id",
            [new("PATH", "/bin"), new("ASPNETCORE_URLS", "http://+:80"), new("FunctionsHost__Postgres", "secret"), new("Kestrel__Endpoints__Http__Url", "http://+:81"), new("Setting", "inherited")],
            new Dictionary<string, string> { ["Setting"] = "given" });
        Assert.Equal([app.WorkerFile!, "--functions-uri", "http://127.0.0.1:4711/", "--functions-request-id"], command.Arguments.Take(4));
        Assert.DoesNotContain("the-id", command.Arguments);
        Assert.Equal("the-id", command.Environment["Functions__Worker__WorkerId"]);
        Assert.Equal(("/bin", "given", _folder), (command.Environment["PATH"], command.Environment["Setting"], command.Environment["FUNCTIONS_APPLICATION_DIRECTORY"]));
        Assert.DoesNotContain(command.Environment.Keys, static name => name.StartsWith("FunctionsHost", StringComparison.Ordinal) || name.StartsWith("Kestrel", StringComparison.Ordinal) || name == "ASPNETCORE_URLS");
    }

    private static RpcFunctionMetadata Metadata(params string[] bindings) => new() { Name = "f", FunctionId = "id", RawBindings = { bindings } };

    private FunctionApp Read(string worker, string host)
    {
        File.WriteAllText(Path.Combine(_folder, "worker.config.json"), worker);
        File.WriteAllText(Path.Combine(_folder, "host.json"), host);
        return FunctionApp.Read(_folder);
    }
}
