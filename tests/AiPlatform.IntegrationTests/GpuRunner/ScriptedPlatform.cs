using System.Collections.Concurrent;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Identity;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Runners;
using AiPlatform.IntegrationTests.Functions.Data;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace AiPlatform.IntegrationTests.GpuRunner;

/// <summary>
/// The routes that a runner calls, with a script for what goes wrong: outages and refusals at chosen moments, which the real platform
/// cannot be made to do on demand.
/// </summary>
internal sealed class ScriptedPlatform : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ScriptedPlatform(WebApplication app) => _app = app;

    public string Url { get; private set; } = "";

    /// <summary>Drops every connection while set.</summary>
    public volatile bool Down;

    /// <summary>The paths of the connections that were dropped.</summary>
    public ConcurrentQueue<string> Dropped { get; } = new();

    /// <summary>Answers 401 to this token.</summary>
    public volatile string? RejectedToken;

    /// <summary>What a claim gets, by job.</summary>
    public ConcurrentDictionary<string, NodeAssignment> Assignments { get; } = new();

    public ConcurrentQueue<RegisterRunnerRequest> Registrations { get; } = new();

    public ConcurrentQueue<HeartbeatRequest> Heartbeats { get; } = new();

    public ConcurrentQueue<RunnerCommand> Commands { get; } = new();

    /// <summary>Points by (attempt, source, sequence), and how often each came.</summary>
    public ConcurrentDictionary<(int Attempt, string Source, long Sequence), MetricPoint> Points { get; } = new();

    public ConcurrentDictionary<string, string> Params { get; } = new();

    public ConcurrentDictionary<string, string> Tags { get; } = new();

    public ConcurrentQueue<(int Attempt, long Step)> Resumes { get; } = new();

    public ConcurrentDictionary<string, byte[]> Blobs { get; } = new();

    public ConcurrentDictionary<string, CommitArtifactRequest> Artifacts { get; } = new();

    /// <summary>What was logged as media, with its bytes.</summary>
    public ConcurrentQueue<(LogMediaRequest Request, byte[] Bytes)> Media { get; } = new();

    public ConcurrentDictionary<(string Job, int Attempt, int Rank), MemoryStream> Logs { get; } = new();

    public ConcurrentDictionary<string, Rendezvous> Rendezvous { get; } = new();

    public ConcurrentQueue<JobEvent> Events { get; } = new();

    public int MetricRequests;

    /// <summary>When positive, the next heartbeat hears that the runner is not known.</summary>
    public int Forgotten;

    /// <summary>Metrics whose key begins with this, and artifacts whose path does, are refused.</summary>
    public const string RefusedKey = "refused";

    // As the platform has it.
    private const int MaxEntries = 200;

    public static async Task<ScriptedPlatform> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Services.ConfigureHttpJsonOptions(static options => ContractsJson.Configure(options.SerializerOptions, System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow));
        var app = builder.Build();
        var platform = new ScriptedPlatform(app);
        app.Use(async (context, next) =>
        {
            if (platform.Down)
            {
                platform.Dropped.Enqueue(context.Request.Path);
                context.Abort();
                return;
            }

            if (platform.RejectedToken is { } token && context.Request.Headers.Authorization == $"Bearer {token}")
            {
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return;
            }

            await next(context);
        });
        platform.Map();
        await app.StartAsync();
        platform.Url = app.Urls.First();
        return platform;
    }

    /// <summary>Serves bytes as a dataset file.</summary>
    public FileDownload Serve(string path, byte[] content)
    {
        var sha = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content));
        Blobs[sha] = content;
        return new FileDownload(path, content.Length, sha, $"{Url}/blobs/{sha}");
    }

    public string LogText(string job, int attempt, int rank)
    {
        if (!Logs.TryGetValue((job, attempt, rank), out var log))
        {
            return "";
        }

        lock (log)
        {
            return System.Text.Encoding.UTF8.GetString(log.ToArray());
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static IResult Problem(int status, string code)
        => Results.Json(new ProblemResponse(code, code, status), ContractsJson.Strict, "application/problem+json", status);

    private void Map()
    {
        _app.MapPost("/v1/auth/service-token", (ServiceTokenRequest request) => request is { Client: "runner", Secret: "secret" }
            ? Results.Ok(new TokenResponse("service", 900))
            : Problem(401, ErrorCodes.InvalidCredentials));
        _app.MapPost("/v1/runners", (RegisterRunnerRequest request) =>
        {
            Registrations.Enqueue(request);
            var now = DateTimeOffset.UtcNow;
            return new RunnerRegistration(
                new Runner(request.Id, request.Name, request.Pool, RunnerStatus.Online, request.Slots, 0, request.Host, null, request.Devices, [], now, now), 0.2);
        });
        _app.MapPost("/v1/runners/{id}/heartbeat", (string id, HeartbeatRequest request) =>
        {
            if (Interlocked.Exchange(ref Forgotten, 0) > 0)
            {
                return Problem(404, ErrorCodes.NotFound);
            }

            Heartbeats.Enqueue(request);
            var tokens = request.Nodes.Select(static node => new RefreshedJobToken(node, "renewed", 900)).ToList();
            return Results.Ok(new HeartbeatResponse([.. Commands], tokens));
        });
        _app.MapPost("/v1/jobs/{job}/attempts/{attempt}/nodes/{node}/claim", (string job, int attempt, int node, ClaimNodeRequest request)
            => Assignments.TryGetValue(job, out var assignment) && assignment.Attempt == attempt
                ? Results.Ok(assignment with { Node = node })
                : Problem(409, ErrorCodes.NodeClaimed));
        _app.MapPut("/v1/jobs/{job}/attempts/{attempt}/rendezvous", (string job, int attempt, Rendezvous rendezvous) => Rendezvous[job] = rendezvous);
        _app.MapGet("/v1/jobs/{job}/attempts/{attempt}/rendezvous", (string job, int attempt)
            => Rendezvous.TryGetValue(job, out var rendezvous) ? Results.Ok(rendezvous) : Problem(404, ErrorCodes.NotFound));
        _app.MapPost("/v1/runs/{run}/metrics", StoreMetrics);
        _app.MapPost("/v1/runs/{run}/params", (string run, LogParamsRequest request) =>
        {
            if (request.Params.Count > MaxEntries)
            {
                return Problem(400, ErrorCodes.InvalidRequest);
            }

            if (request.Params.Any(pair => Params.TryGetValue(pair.Key, out var value) && value != pair.Value))
            {
                return Problem(409, ErrorCodes.ValueConflict);
            }

            request.Params.ToList().ForEach(pair => Params[pair.Key] = pair.Value);
            return Results.NoContent();
        });
        _app.MapPost("/v1/runs/{run}/tags", (string run, SetTagsRequest request) =>
        {
            if (request.Tags.Count > MaxEntries)
            {
                return Problem(400, ErrorCodes.InvalidRequest);
            }

            request.Tags.ToList().ForEach(pair => Tags[pair.Key] = pair.Value);
            return Results.NoContent();
        });
        _app.MapPost("/v1/runs/{run}/attempts/{attempt}/resume", (string run, int attempt, ResumeRequest request) => Resumes.Enqueue((attempt, request.Step)));
        _app.MapPost("/v1/runs/{run}/artifacts/uploads", (string run, ArtifactUploadRequest request) => request.Path.StartsWith(RefusedKey, StringComparison.Ordinal)
            ? Problem(400, ErrorCodes.InvalidRequest)
            : Results.Ok(new ArtifactUpload($"{Url}/blobs/{run}-{request.Path.Replace('/', '-')}", new Dictionary<string, string> { ["x-ms-blob-type"] = "BlockBlob" })));
        _app.MapPut("/blobs/{name}", async (string name, HttpRequest request) =>
        {
            using var content = new MemoryStream();
            await request.Body.CopyToAsync(content);
            Blobs[name] = content.ToArray();
            return request.Headers["x-ms-blob-type"] == "BlockBlob" ? Results.StatusCode(201) : Results.BadRequest();
        });
        _app.MapGet("/blobs/{name}", (string name) => Blobs.TryGetValue(name, out var content) ? Results.Bytes(content) : Results.NotFound());
        _app.MapPost("/v1/runs/{run}/artifacts", (string run, CommitArtifactRequest request) =>
        {
            Artifacts[request.Path] = request;
            return new Artifact(request.Path, request.Size, request.Sha256, request.Kind, request.Step, request.Metrics, request.Attempt, DateTimeOffset.UtcNow);
        });
        _app.MapPost("/v1/runs/{run}/media", async (string run, string key, string kind, long step, string? caption, int? attempt, HttpRequest request) =>
        {
            using var content = new MemoryStream();
            await request.Body.CopyToAsync(content);
            var media = new LogMediaRequest(key, Enum.Parse<MediaKind>(kind, ignoreCase: true), step, caption, attempt);
            Media.Enqueue((media, content.ToArray()));
            return new MediaItem("m", run, key, media.Kind, step, attempt, caption, key, "text/plain", content.Length, string.Empty, null, null, DateTimeOffset.UtcNow);
        });
        _app.MapPut("/v1/jobs/{job}/attempts/{attempt}/ranks/{rank}/log", async (string job, int attempt, int rank, long offset, HttpRequest request) =>
        {
            using var chunk = new MemoryStream();
            await request.Body.CopyToAsync(chunk);
            var log = Logs.GetOrAdd((job, attempt, rank), static _ => new MemoryStream());
            lock (log)
            {
                if (offset > log.Length)
                {
                    return Problem(409, ErrorCodes.LogGap);
                }

                var known = (int)Math.Min(chunk.Length, log.Length - offset);
                log.Write(chunk.ToArray().AsSpan(known));
                return Results.Ok(new LogLength(log.Length));
            }
        });
    }

    private IResult StoreMetrics(string run, LogMetricsRequest request)
    {
        Interlocked.Increment(ref MetricRequests);
        if (request.Points.Any(static point => point.Key.StartsWith(RefusedKey, StringComparison.Ordinal)))
        {
            return Problem(400, ErrorCodes.InvalidRequest);
        }

        var stored = 0;
        for (var i = 0; i < request.Points.Count; i++)
        {
            stored += Points.TryAdd((request.Attempt, request.Source, request.FirstSequence + i), request.Points[i]) ? 1 : 0;
        }

        return Results.Ok(new LogMetricsResponse(stored, request.FirstSequence + request.Points.Count));
    }
}
