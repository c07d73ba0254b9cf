using AiPlatform.Kernel.Postgres;
using AiPlatform.Ports.MLflow;

namespace AiPlatform.MLflow.Traces;

/// <summary>Ids of traces are chosen by clients.</summary>
internal static class TraceIds
{
    private const int Max = 250;

    /// <summary>The id, when it can stand in a path and in JSON as it is.</summary>
    /// <exception cref="MLflowException">INVALID_PARAMETER_VALUE.</exception>
    public static string Checked(string id)
        => id.Length is > 0 and <= Max && id.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':') && id is not ("." or "..")
            ? id
            : throw MLflowException.Invalid($"Invalid trace ID '{(id.Length <= Max ? id : id[..Max])}'.");
}
