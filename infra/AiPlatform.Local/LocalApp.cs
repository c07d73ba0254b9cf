using System.Runtime.InteropServices;
using AiPlatform.Client;
using AiPlatform.Local.Platform;
using AiPlatform.Local.Quickstart;

namespace AiPlatform.Local;

/// <summary>The launcher: starts the platform, runs the quickstart on a first start, and stops everything when asked.</summary>
internal static class LocalApp
{
    private const int Success = 0;
    private const int Failure = 1;
    private const int WrongUsage = 2;
    private const int Interrupted = 130;

    /// <summary>Runs until a signal or, with <c>--exit-after-demo</c>, until the quickstart has ended; returns the exit code.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments.Any(static argument => argument is "--help" or "-h"))
        {
            Console.WriteLine(LocalOptions.Usage);
            return Success;
        }

        LocalOptions options;
        try
        {
            options = LocalOptions.Parse(arguments);
        }
        catch (ArgumentException exception)
        {
            await Console.Error.WriteLineAsync($"{exception.Message}\n{LocalOptions.Usage}").ConfigureAwait(false);
            return WrongUsage;
        }

        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        return await RunAsync(options, stop.Token).ConfigureAwait(false);
    }

    private static async Task<int> RunAsync(LocalOptions options, CancellationToken stop)
    {
        var progress = new ConsoleProgress();
        Console.WriteLine($"Starting AI Platform (data in {options.Data})");
        try
        {
            await using var platform = await LocalPlatform.StartAsync(options, progress, stop).ConfigureAwait(false);
            using var login = await LogInAsync(platform, stop).ConfigureAwait(false);
            progress.ShowReady(platform.Endpoints, platform.IsFirstStart, options.Data, login is not null);
            var exitCode = options.Demo ? await RunDemoAsync(platform, stop).ConfigureAwait(false) : Success;
            if (!options.ExitAfterDemo)
            {
                await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(false);
            }

            Console.WriteLine("Stopping");
            return exitCode;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.WriteLine("Stopped");
            return options.ExitAfterDemo ? Interrupted : Success;
        }
        catch (InvalidOperationException exception)
        {
            await Console.Error.WriteLineAsync($"AI Platform could not start: {exception.Message}").ConfigureAwait(false);
            return Failure;
        }
    }

    private static async Task<CommandLineLogin?> LogInAsync(LocalPlatform platform, CancellationToken stop)
    {
        try
        {
            return await CommandLineLogin.KeepAsync(platform.Endpoints, platform.DataFile("command-line.json"), KeptLogin.LocalFile, stop).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ApiException or HttpRequestException or IOException or UnauthorizedAccessException)
        {
            // The platform runs all the same; people log in by themselves.
            await Console.Error.WriteLineAsync($"The command line is not logged in ({exception.Message}): aip login --user NAME").ConfigureAwait(false);
            return null;
        }
    }

    private static async Task<int> RunDemoAsync(LocalPlatform platform, CancellationToken stop)
    {
        using var demo = new QuickstartDemo(platform.Endpoints, platform.DataFile("quickstart"), Console.WriteLine);
        if (demo.HasSucceeded)
        {
            Console.WriteLine($"The quickstart has succeeded before: {platform.Endpoints.Api}/v1/jobs/{demo.JobId}");
            return Success;
        }

        try
        {
            return await demo.RunAsync(stop).ConfigureAwait(false) ? Success : Failure;
        }
        catch (Exception exception) when (!stop.IsCancellationRequested)
        {
            // The platform goes on: a user can look at what happened.
            await Console.Error.WriteLineAsync($"Quickstart: {exception.Message}").ConfigureAwait(false);
            return Failure;
        }
    }
}
