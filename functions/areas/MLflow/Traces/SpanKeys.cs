namespace AiPlatform.MLflow.Traces;

/// <summary>Names that MLflow's clients and its page give a meaning.</summary>
internal static class SpanKeys
{
    // Attributes of spans.
    public const string TraceId = "mlflow.traceRequestId";
    public const string Type = "mlflow.spanType";
    public const string Inputs = "mlflow.spanInputs";
    public const string Outputs = "mlflow.spanOutputs";
    public const string Usage = "mlflow.chat.tokenUsage";
    public const string Cost = "mlflow.llm.cost";

    // Metadata of traces.
    public const string SourceRun = "mlflow.sourceRun";
    public const string TraceUsage = "mlflow.trace.tokenUsage";
    public const string TraceCost = "mlflow.trace.cost";
    public const string Session = "mlflow.trace.session";
    public const string User = "mlflow.trace.user";
    public const string SizeStats = "mlflow.trace.sizeStats";

    // Tags of traces.
    public const string TraceName = "mlflow.traceName";
    public const string ArtifactLocation = "mlflow.artifactLocation";
    public const string SpansLocation = "mlflow.trace.spansLocation";
    public const string LinkedPrompts = "mlflow.linkedPrompts";
}
