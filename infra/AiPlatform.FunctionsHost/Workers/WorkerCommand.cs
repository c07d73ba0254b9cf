using System.Globalization;
using AiPlatform.FunctionsHost.App;

namespace AiPlatform.FunctionsHost.Workers;

/// <summary>How a worker is started: a pure function of the app and of what the host knows.</summary>
internal static class WorkerCommand
{
    private const string WorkerIdVariable = "Functions__Worker__WorkerId";

    // What says where this host listens would make the worker listen there too.
    private static readonly string[] Kept =
        ["ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_HTTPS_PORTS", "DOTNET_URLS", "DOTNET_HTTP_PORTS", "DOTNET_HTTPS_PORTS", "URLS", "HTTP_PORTS", "HTTPS_PORTS"];

    private static readonly string[] KeptPrefixes = ["FunctionsHost__", "Kestrel__", "ASPNETCORE_Kestrel__", "DOTNET_Kestrel__"];

    /// <summary>
    /// The command. The worker's id goes by the environment, which other accounts cannot read, not by the command line, which they can:
    /// who knows it could speak in the worker's place.
    /// </summary>
    /// <param name="app">The app.</param>
    /// <param name="host">Where the worker calls.</param>
    /// <param name="workerId">By which the host knows it.</param>
    /// <param name="inherited">The host's own environment.</param>
    /// <param name="settings">The app settings beside it.</param>
    public static ChildCommand For(
        FunctionApp app, Uri host, string workerId, IEnumerable<KeyValuePair<string, string>> inherited, IReadOnlyDictionary<string, string> settings)
    {
        string[] arguments =
        [
            .. app.WorkerFile is { } file ? (string[])[file] : [],
            "--functions-uri", host.AbsoluteUri,
            "--functions-request-id", Guid.NewGuid().ToString(),
            "--functions-grpc-max-message-length", int.MaxValue.ToString(CultureInfo.InvariantCulture),
        ];
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in inherited.Concat(settings).Where(static variable => !IsKept(variable.Key)))
        {
            environment[name] = value;
        }

        environment["FUNCTIONS_APPLICATION_DIRECTORY"] = app.Directory;
        environment["FUNCTIONS_WORKER_DIRECTORY"] = app.Directory;
        environment["FUNCTIONS_WORKER_RUNTIME"] = "dotnet-isolated";
        environment[WorkerIdVariable] = workerId;
        return new ChildCommand(app.Executable, arguments) { WorkingDirectory = app.Directory, Environment = environment, OnlyThisEnvironment = true };
    }

    private static bool IsKept(string name)
        => Array.Exists(Kept, kept => kept.Equals(name, StringComparison.OrdinalIgnoreCase))
            || Array.Exists(KeptPrefixes, prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase));
}
