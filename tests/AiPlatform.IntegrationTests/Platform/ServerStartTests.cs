using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AiPlatform.Hosting;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Servers that are started by hand, with settings that are wrong: whoever does it reads one line and no stack.</summary>
public sealed class ServerStartTests
{
    private const string Hub = "AiPlatform.TaskHub";
    private const string Broker = "AiPlatform.ServiceBusEmulator";
    private const string Postgres = "--ConnectionStrings:Postgres=Host=127.0.0.1;Port=1;Username=none;Database=none";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(Hub, "BearerToken", Postgres)]
    [InlineData(Hub, "BearerToken", Postgres, "--TaskHub:BearerToken=short")]
    [InlineData(Hub, "ConnectionStrings:Postgres is missing.", "--TaskHub:BearerToken=a-key-of-16-characters-or-more")]
    [InlineData(Broker, "ServiceBus:SharedAccessKey is missing.", Postgres)]
    [InlineData(Broker, "ConnectionStrings:Postgres is missing.", "--ServiceBus:SharedAccessKey=a-long-secret")]
    [InlineData(Broker, "no-such-file.json", Postgres, "--ServiceBus:SharedAccessKey=a-long-secret", "--ServiceBus:ConfigFile=no-such-file.json")]
    [InlineData("AiPlatform.Orchestrations", "ConnectionStrings:TaskHub is missing.")]
    public async Task A_server_with_a_wrong_setting_ends_with_a_line_that_names_it(string server, string named, params string[] arguments)
    {
        var (code, output, errors) = await RunAsync(server, [$"--urls=http://127.0.0.1:{TcpPorts.Free()}", .. arguments]);
        Assert.True(code == 1, $"{code}: {output}{errors}");
        var line = Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"{server} cannot start: ", line, StringComparison.Ordinal);
        Assert.Contains(named, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_whose_configuration_file_is_cut_off_names_it()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, """{"UserConfig":""");
        var (code, output, errors) = await RunAsync(
            Broker, $"--urls=http://127.0.0.1:{TcpPorts.Free()}", Postgres, "--ServiceBus:SharedAccessKey=a-long-secret", $"--ServiceBus:ConfigFile={file}");
        File.Delete(file);
        Assert.True(code == 1, $"{code}: {output}{errors}");
        Assert.Contains(file, Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_whose_port_is_taken_names_it()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var (code, output, errors) = await RunAsync(
            Hub, Postgres, "--TaskHub:BearerToken=a-key-of-16-characters-or-more", $"--TaskHub:GrpcPort={port}", $"--TaskHub:HttpPort={TcpPorts.Free()}");
        Assert.True(code == 1, $"{code}: {output}{errors}");
        Assert.Contains($"{port}", Assert.Single(errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(string server, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, $"{server}.dll"), .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
