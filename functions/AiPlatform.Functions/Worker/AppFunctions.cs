using AiPlatform.Kernel.Postgres;
using Microsoft.Azure.Functions.Worker;

namespace AiPlatform.Functions.Worker;

/// <summary>
/// The app's functions under a Functions host: one for each area, and a timer. Each hands over to the app's own pipeline, which knows the
/// routes. The host goes through them in the order of their names and takes the first route that fits: what catches everything comes last.
/// No methods: one that is not listed would be a 404 of the host's.
/// </summary>
/// <param name="entry">The way into the app.</param>
public sealed class AppFunctions(WorkerEntry entry)
{
    private const AuthorizationLevel Open = AuthorizationLevel.Anonymous; // The app authenticates.

    /// <summary>Requests to <c>/ajax-api/{*rest}</c>.</summary>
    [Function("ajax-api")]
    public Task AjaxApiAsync([HttpTrigger(Open, Route = "ajax-api/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/api/{*rest}</c>.</summary>
    [Function("api")]
    public Task ApiAsync([HttpTrigger(Open, Route = "api/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/auth/{*rest}</c>.</summary>
    [Function("auth")]
    public Task AuthAsync([HttpTrigger(Open, Route = "v1/auth/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/dataset-contents/{*rest}</c>.</summary>
    [Function("dataset-contents")]
    public Task DatasetContentsAsync([HttpTrigger(Open, Route = "v1/dataset-contents/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/dataset-imports/{*rest}</c>.</summary>
    [Function("dataset-imports")]
    public Task DatasetImportsAsync([HttpTrigger(Open, Route = "v1/dataset-imports/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/docs/{*rest}</c>.</summary>
    [Function("docs")]
    public Task DocsAsync([HttpTrigger(Open, Route = "docs/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/durabletask/{*rest}</c>.</summary>
    [Function("durabletask")]
    public Task DurabletaskAsync([HttpTrigger(Open, Route = "durabletask/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/events/{*rest}</c>.</summary>
    [Function("events")]
    public Task EventsAsync([HttpTrigger(Open, Route = "v1/events/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/experiments/{*rest}</c>.</summary>
    [Function("experiments")]
    public Task ExperimentsAsync([HttpTrigger(Open, Route = "v1/experiments/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/garbage/{*rest}</c>.</summary>
    [Function("garbage")]
    public Task GarbageAsync([HttpTrigger(Open, Route = "v1/garbage/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/graphql</c>.</summary>
    [Function("graphql")]
    public Task GraphqlAsync([HttpTrigger(Open, Route = "graphql")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/health/{*rest}</c>.</summary>
    [Function("health")]
    public Task HealthAsync([HttpTrigger(Open, Route = "health/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/jobs/{*rest}</c>.</summary>
    [Function("jobs")]
    public Task JobsAsync([HttpTrigger(Open, Route = "v1/jobs/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/lineage/{*rest}</c>.</summary>
    [Function("lineage")]
    public Task LineageAsync([HttpTrigger(Open, Route = "v1/lineage/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/metrics</c>.</summary>
    [Function("metrics")]
    public Task MetricsAsync([HttpTrigger(Open, Route = "metrics")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/models/{*rest}</c>.</summary>
    [Function("models")]
    public Task ModelsAsync([HttpTrigger(Open, Route = "v1/models/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/openapi/{*rest}</c>.</summary>
    [Function("openapi")]
    public Task OpenapiAsync([HttpTrigger(Open, Route = "openapi/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/p/{*rest}</c>.</summary>
    [Function("p")]
    public Task PAsync([HttpTrigger(Open, Route = "p/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/projects/{*rest}</c>.</summary>
    [Function("projects")]
    public Task ProjectsAsync([HttpTrigger(Open, Route = "v1/projects/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/quality-reports/{*rest}</c>.</summary>
    [Function("quality-reports")]
    public Task QualityReportsAsync([HttpTrigger(Open, Route = "v1/quality-reports/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/queues/{*rest}</c>.</summary>
    [Function("queues")]
    public Task QueuesAsync([HttpTrigger(Open, Route = "v1/queues/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/runners/{*rest}</c>.</summary>
    [Function("runners")]
    public Task RunnersAsync([HttpTrigger(Open, Route = "v1/runners/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/runs/{*rest}</c>.</summary>
    [Function("runs")]
    public Task RunsAsync([HttpTrigger(Open, Route = "v1/runs/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/tasks/{*rest}</c>.</summary>
    [Function("tasks")]
    public Task TasksAsync([HttpTrigger(Open, Route = "v1/tasks/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/traces</c>.</summary>
    [Function("traces")]
    public Task TracesAsync([HttpTrigger(Open, Route = "v1/traces")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/v1/users/{*rest}</c>.</summary>
    [Function("users")]
    public Task UsersAsync([HttpTrigger(Open, Route = "v1/users/{*rest}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/version</c>.</summary>
    [Function("version")]
    public Task VersionAsync([HttpTrigger(Open, Route = "version")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Requests to <c>/{*path}</c>.</summary>
    [Function("zz-site")]
    public Task ZzSiteAsync([HttpTrigger(Open, Route = "{*path}")] HttpRequest request) => entry.ServeAsync(request);

    /// <summary>Runs what is due in the background.</summary>
    [Function("tick")]
    public Task TickAsync([TimerTrigger("*/10 * * * * *")] TimerInfo timer, CancellationToken cancellationToken) => entry.TickAsync(cancellationToken);
}
