using System.Text.Json;
using AiPlatform.Kernel.Postgres;

namespace AiPlatform.MLflow.Traces;

/// <summary>How the spans of a <c>traces.json</c> are written.</summary>
internal enum SpanFileDialect
{
    /// <summary>MLflow 3: base64 ids beside the other fields.</summary>
    Current,

    /// <summary>MLflow 2: hexadecimal ids in a context. Clients of MLflow 3 read it too; those of MLflow 2 read nothing else.</summary>
    Two,
}

/// <summary>Chooses the dialect.</summary>
internal static class SpanFileDialects
{
    private const string SchemaVersion = "mlflow.trace_schema.version";
    private const string Client = "mlflow-python-client/";

    /// <summary>That of the client that asks, when it says its version; else that of the client that made the trace.</summary>
    public static SpanFileDialect For(TraceRow trace, string? userAgent)
    {
        var asking = userAgent?.StartsWith(Client, StringComparison.Ordinal) == true ? userAgent[Client.Length..] : null;
        var made = JsonTags.Read(trace.Metadata).GetValueOrDefault(SchemaVersion) ?? JsonTags.Read(trace.Tags).GetValueOrDefault(SchemaVersion);
        return IsOld(asking) || (asking is null && IsOld(made)) ? SpanFileDialect.Two : SpanFileDialect.Current;
    }

    private static bool IsOld(string? version) => int.TryParse(version?.Split('.')[0], out var major) && major < 3;
}
