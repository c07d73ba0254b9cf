using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Queues;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Blobs;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Paging;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AiPlatform.Compute.Queues;

/// <summary>Packages of Python modules that tasks run: small, immutable, of one project.</summary>
internal sealed class TaskPackages(Database database, TimeProvider time)
{
    private const int MaxFiles = 200;
    private const int MaxBytes = 1_000_000;
    private const long MaxBody = 8 * 1024 * 1024;
    private const string Columns = "id, project_id, name, (SELECT array_agg(path ORDER BY path) FROM jsonb_object_keys(files) AS path) AS paths, bytes, created_at";

    /// <summary>Maps the routes.</summary>
    public static void Map(IEndpointRouteBuilder routes, RouteGroupBuilder queues)
    {
        var packages = routes.MapGroup("/v1/projects/{project}/task-packages").WithTags("Queues");
        packages.MapPost("/", CreateAsync).RequireAction(ComputeActions.WriteTask).WithIdempotency().WithBodyLimit(MaxBody)
            .Describe("createTaskPackage", "Upload a package of Python modules for tasks");
        packages.MapGet("/", ListAsync).RequireAction(ComputeActions.ReadTask)
            .Describe("listTaskPackages", "List the packages of a project, newest first");
        queues.MapGet("/packages/{package}", ReadAsync).RequireAction(ComputeActions.ExecuteTask)
            .Describe("getTaskPackageContent", "Read a package (workers only)");
    }

    private static async Task<Created<TaskPackage>> CreateAsync(
        Reached<ProjectIdentity> project, CreateTaskPackageRequest request, Caller caller, TaskPackages packages, CancellationToken cancellationToken)
    {
        Check.Name(request.Name, "name");
        Check.That(request.Files.Count is >= 1 and <= MaxFiles, "files", "count", 1, MaxFiles);
        foreach (var (path, text) in request.Files)
        {
            var problem = RelativePath.Problem(path);
            Check.That(problem is null, "files", "path", problem);
            Check.That(text is not null && !text.Contains('\0', StringComparison.Ordinal), "files", "wrongType");
        }

        var bytes = request.Files.Values.Sum(Encoding.UTF8.GetByteCount);
        Check.That(bytes <= MaxBytes, "files", "length", 0, MaxBytes);
        var row = await packages.InsertAsync(project.Id, request, bytes, caller, cancellationToken);
        return TypedResults.Created($"/v1/projects/{project.Id}/task-packages/{row.Id}", row.ToContract());
    }

    private static async Task<Ok<Page<TaskPackage>>> ListAsync(
        Reached<ProjectIdentity> project, [AsParameters] PageRequest page, TaskPackages packages, CancellationToken cancellationToken)
    {
        return TypedResults.Ok(page.ToPage(
            await packages.SelectAsync(project.Id, page.Key(), page.Size, cancellationToken), static row => row.ToContract(), static row => [row.Id]));
    }

    private static async Task<Ok<TaskPackageContent>> ReadAsync(string package, Database database, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var files = await connection.QuerySingleOrDefaultAsync<string>(new CommandDefinition(
            "SELECT files::text FROM task_packages WHERE id = @package", new { package }, cancellationToken: cancellationToken))
            ?? throw ApiException.NotFound("package", package);
        return TypedResults.Ok(new TaskPackageContent(package, JsonSerializer.Deserialize<Dictionary<string, string>>(files)!));
    }

    private async Task<PackageRow> InsertAsync(string projectId, CreateTaskPackageRequest request, int bytes, Caller caller, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleAsync<PackageRow>(new CommandDefinition(
            $"""
            INSERT INTO task_packages (id, project_id, name, files, bytes, created_by, created_at)
            VALUES (@id, @projectId, @name, @files::jsonb, @bytes, @by, @now) RETURNING {Columns}
            """,
            new
            {
                id = Ids.New(time), projectId, name = request.Name, files = JsonSerializer.Serialize(request.Files), bytes, by = caller.UserId, now = time.GetUtcNow(),
            },
            cancellationToken: cancellationToken));
    }

    private async Task<IReadOnlyList<PackageRow>> SelectAsync(string projectId, string? before, int size, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QueryAsync<PackageRow>(new CommandDefinition(
            $"SELECT {Columns} FROM task_packages WHERE project_id = @projectId AND (@before::text IS NULL OR id < @before) ORDER BY id DESC LIMIT @limit",
            new { projectId, before, limit = size + 1 }, cancellationToken: cancellationToken))).AsList();
    }

    private sealed class PackageRow
    {
        public required string Id { get; init; }

        public required string ProjectId { get; init; }

        public required string Name { get; init; }

        public required string[] Paths { get; init; }

        public int Bytes { get; init; }

        public DateTimeOffset CreatedAt { get; init; }

        public TaskPackage ToContract() => new(Id, ProjectId, Name, Paths, Bytes, CreatedAt);
    }
}
