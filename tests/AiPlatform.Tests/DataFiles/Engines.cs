using AiPlatform.DataFiles.Engine;

namespace AiPlatform.Tests.DataFiles;

/// <summary>The engine of all tests of data files.</summary>
internal static class Engines
{
    private static readonly Lazy<DataEngine> Started = new(static () =>
    {
        var engine = Create();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => engine.Dispose();
        return engine;
    });

    /// <summary>One engine for all.</summary>
    public static DataEngine Shared => Started.Value;

    /// <summary>An engine of its own.</summary>
    public static DataEngine Create(Action<DataEngineOptions>? configure = null)
    {
        var options = new DataEngineOptions { Folder = Path.Combine(Path.GetTempPath(), "aip-tests-data") };
        configure?.Invoke(options);
        return new DataEngine(options, TimeProvider.System);
    }
}
