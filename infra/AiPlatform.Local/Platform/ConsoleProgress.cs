using System.Diagnostics;

namespace AiPlatform.Local.Platform;

/// <summary>Shows progress as lines on the terminal.</summary>
internal sealed class ConsoleProgress : IPlatformProgress
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    public void PartIsReady(string name, TimeSpan took) => Console.WriteLine($"  ✓ {name,-15} ready after {took.TotalSeconds:0.0} s");

    public void Report(string line) => Console.WriteLine($"  {line}");

    /// <summary>What a user needs once everything runs.</summary>
    public void ShowReady(PlatformEndpoints endpoints, bool showPassword, string dataDirectory, bool loggedIn)
    {
        Console.WriteLine();
        // A line each: a URL that a narrow terminal breaks cannot be clicked.
        Console.WriteLine($"AI Platform is ready after {_clock.Elapsed.TotalSeconds:0.0} s: {endpoints.Api}");
        Console.WriteLine($"  API reference       {endpoints.Api}/docs");
        if (endpoints.Dashboard is { } dashboard)
        {
            Console.WriteLine($"  Traces              {dashboard}");
        }

        Console.WriteLine(showPassword
            ? $"  Administrator       {endpoints.Administrator.UserName}, password {endpoints.Administrator.Password}"
            : $"  Administrator       {endpoints.Administrator.UserName}");
        Console.WriteLine(showPassword ? $"  Shown once; kept in {dataDirectory}/secrets.json" : $"  The password is in  {dataDirectory}/secrets.json");
        if (loggedIn)
        {
            Console.WriteLine("  Command line        aip --help, logged in as the administrator");
            Console.WriteLine("  curl, MLflow, …     eval \"$(aip env)\"");
        }

        Console.WriteLine($"  Connection strings  {dataDirectory}/endpoints.json");
        Console.WriteLine($"  Logs                {dataDirectory}/logs");
        Console.WriteLine("  Ctrl-C stops everything.");
        Console.WriteLine();
    }
}
