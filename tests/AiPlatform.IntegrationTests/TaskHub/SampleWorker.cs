using System.Diagnostics;
using Microsoft.Extensions.Hosting;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>A worker with the sample tasks in a process of its own, so that it can be killed.</summary>
internal static class SampleWorker
{
    /// <summary>Starts the process.</summary>
    /// <param name="connection">The hub's connection string.</param>
    public static Process Start(string connection)
        => Process.Start(new ProcessStartInfo("dotnet", [typeof(SampleWorker).Assembly.Location, connection]) { UseShellExecute = false, RedirectStandardInput = true })!;

    /// <summary>The process: runs until it is killed or its parent is gone.</summary>
    private static async Task Main(string[] args)
    {
        using var host = HubHarness.BuildWorker(args[0], SampleTasks.Register);
        await host.StartAsync();
        await Console.In.ReadToEndAsync();
        await host.StopAsync();
    }
}
