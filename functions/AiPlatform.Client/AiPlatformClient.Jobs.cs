using System.Net.Http.Headers;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Models;
using AiPlatform.Contracts.Runners;

namespace AiPlatform.Client;

public sealed partial class AiPlatformClient
{
    /// <summary>Submits a training job.</summary>
    public Task<JobSubmission> SubmitJobAsync(string project, SubmitJobRequest request, CancellationToken cancellationToken)
        => PostAsync<JobSubmission>($"v1/projects/{Escape(project)}/jobs", request, cancellationToken);

    /// <summary>A job with its attempts and nodes.</summary>
    public Task<Job> GetJobAsync(string job, CancellationToken cancellationToken) => GetAsync<Job>($"v1/jobs/{Escape(job)}", cancellationToken);

    /// <summary>The jobs of a project, newest first.</summary>
    public Task<Page<Job>> ListJobsAsync(string project, int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<Job>>(Query($"v1/projects/{Escape(project)}/jobs", pageSize, pageToken), cancellationToken);

    /// <summary>Cancels a job; repeating it, or cancelling one that is being cancelled, is harmless.</summary>
    public Task<Job> CancelJobAsync(string job, CancelJobRequest request, CancellationToken cancellationToken)
        => PostAsync<Job>($"v1/jobs/{Escape(job)}/cancel", request, cancellationToken);

    /// <summary>Admits an attempt when everything that it needs is there (orchestrations only).</summary>
    public Task<JobAdmission> AdmitAttemptAsync(string job, AdmitAttemptRequest request, CancellationToken cancellationToken)
        => PostAsync<JobAdmission>($"v1/jobs/{Escape(job)}/attempts", request, cancellationToken);

    /// <summary>Ends an attempt and frees what it reserved (orchestrations only).</summary>
    public Task EndAttemptAsync(string job, int attempt, EndAttemptRequest request, CancellationToken cancellationToken)
        => PostAsync($"v1/jobs/{Escape(job)}/attempts/{attempt}/end", request, cancellationToken);

    /// <summary>Moves a job along its transition table (orchestrations only).</summary>
    public Task<Job> SetJobStatusAsync(string job, SetJobStatusRequest request, CancellationToken cancellationToken)
        => PostAsync<Job>($"v1/jobs/{Escape(job)}/status", request, cancellationToken);

    /// <summary>Reports what happened to a node, once by event id; an event about an unknown job is ignored (orchestrations only).</summary>
    public Task ReportJobEventAsync(JobEvent jobEvent, CancellationToken cancellationToken)
        => PostAsync($"v1/jobs/{Escape(jobEvent.JobId)}/events", jobEvent, cancellationToken);

    /// <summary>Registers the job's best model, if the job asks for it; null when it does not (orchestrations only).</summary>
    public Task<ModelVersion?> RegisterJobModelAsync(string job, CancellationToken cancellationToken)
        => PostAsync<ModelVersion?>($"v1/jobs/{Escape(job)}/model", null, cancellationToken);

    /// <summary>Registers a runner.</summary>
    public Task<RunnerRegistration> RegisterRunnerAsync(RegisterRunnerRequest request, CancellationToken cancellationToken)
        => PostAsync<RunnerRegistration>("v1/runners", request, cancellationToken);

    /// <summary>Sends a sign of life and gets commands.</summary>
    public Task<HeartbeatResponse> HeartbeatAsync(string runner, HeartbeatRequest request, CancellationToken cancellationToken)
        => PostAsync<HeartbeatResponse>($"v1/runners/{Escape(runner)}/heartbeat", request, cancellationToken);

    /// <summary>The runners with their devices.</summary>
    public Task<Page<Runner>> ListRunnersAsync(int? pageSize, string? pageToken, CancellationToken cancellationToken)
        => GetAsync<Page<Runner>>(Query("v1/runners", pageSize, pageToken), cancellationToken);

    /// <summary>Takes a node (runners only).</summary>
    public Task<NodeAssignment> ClaimNodeAsync(string job, int attempt, int node, ClaimNodeRequest request, CancellationToken cancellationToken)
        => PostAsync<NodeAssignment>($"v1/jobs/{Escape(job)}/attempts/{attempt}/nodes/{node}/claim", request, cancellationToken);

    /// <summary>Says where the ranks of an attempt meet (node 0's runner only).</summary>
    public Task PutRendezvousAsync(string job, int attempt, Rendezvous rendezvous, CancellationToken cancellationToken)
        => SendAsync<object?>(HttpMethod.Put, $"v1/jobs/{Escape(job)}/attempts/{attempt}/rendezvous", Json(rendezvous), cancellationToken);

    /// <summary>Where the ranks meet; <see cref="ErrorCodes.NotFound"/> until node 0 has said it.</summary>
    public Task<Rendezvous> GetRendezvousAsync(string job, int attempt, CancellationToken cancellationToken)
        => GetAsync<Rendezvous>($"v1/jobs/{Escape(job)}/attempts/{attempt}/rendezvous", cancellationToken);

    /// <summary>Appends a chunk to a rank's log at an exact offset; a chunk that is already there changes nothing.</summary>
    public Task<LogLength> AppendLogAsync(string job, int attempt, int rank, long offset, ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken)
        => SendAsync<LogLength>(
            HttpMethod.Put,
            $"v1/jobs/{Escape(job)}/attempts/{attempt}/ranks/{rank}/log?offset={offset}",
            () => new ReadOnlyMemoryContent(chunk) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } },
            cancellationToken);

    /// <summary>A part of a rank's log as text.</summary>
    public Task<string> ReadLogAsync(string job, int attempt, int rank, long offset, int limit, CancellationToken cancellationToken)
        => ReadTextAsync($"v1/jobs/{Escape(job)}/attempts/{attempt}/ranks/{rank}/log?offset={offset}&limit={limit}", cancellationToken);

    /// <summary>Streams a part of a rank's log, as long as the platform gives at once; empty behind its end.</summary>
    public Task<Stream> OpenLogAsync(string job, int attempt, int rank, long offset, CancellationToken cancellationToken)
        => OpenAsync($"v1/jobs/{Escape(job)}/attempts/{attempt}/ranks/{rank}/log?offset={offset}", cancellationToken);

    private async Task<string> ReadTextAsync(string path, CancellationToken cancellationToken)
    {
        var token = await tokens.GetTokenAsync(null, cancellationToken).ConfigureAwait(false);
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return response.IsSuccessStatusCode
            ? await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false)
            : throw await ErrorAsync(response, cancellationToken).ConfigureAwait(false);
    }
}
