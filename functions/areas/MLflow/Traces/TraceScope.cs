using AiPlatform.Kernel.Access;
using AiPlatform.MLflow.Http;

namespace AiPlatform.MLflow.Traces;

/// <summary>Which traces a caller reaches: those of the project that it works in; a job reaches those that it made itself.</summary>
/// <param name="Author">Whose traces they must be; null when all of the project's are reached.</param>
internal sealed record TraceScope(string ProjectId, string? Author)
{
    /// <summary>
    /// The condition on <c>traces t</c>; its parameters are <see cref="ProjectId"/> and <see cref="Author"/> as <c>@project</c> and <c>@author</c>.
    /// </summary>
    public const string Sql = "t.project_id = @project AND (@author::text IS NULL OR t.created_by = @author)";

    public static TraceScope Of(MLflowCall call) => Of(call.ProjectId, call.Caller);

    public static TraceScope Of(string projectId, Caller caller) => new(projectId, caller.Role == CallerRole.Job ? caller.UserId : null);
}
