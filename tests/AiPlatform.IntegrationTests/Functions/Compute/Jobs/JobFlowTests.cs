using System.Net;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Lineage;
using AiPlatform.Contracts.Models;
using AiPlatform.Contracts.Runners;
using AiPlatform.Contracts.Tasks;
using AiPlatform.IntegrationTests.Functions.Data;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Compute.Jobs;

[Collection(DataCollection.Name)]
public sealed class JobFlowTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task A_job_goes_from_submission_to_a_registered_model_with_its_lineage()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.UploadDatasetAsync("digits", ("train.csv", "1,2,3"));
        var response = await world.Client.PostJsonAsync(
            world.Jobs,
            """{"recipe":"image-classifier","params":{"epochs":3,"lr":0.1,"name":"x"},"datasets":[{"dataset":"digits"}],"resources":{"processesPerNode":2},"registerModel":"digits-classifier"}""");
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        var submission = await response.ReadAsync<JobSubmission>();
        var job = submission.Job;
        Assert.EndsWith($"/durabletask/instances/{job.Id}", submission.StatusQueryGetUri, StringComparison.Ordinal);
        Assert.Equal($"/v1/jobs/{job.Id}", response.Headers.Location!.ToString());
        Assert.Equal((JobStatus.Pending, 1), (job.Status, job.Spec.Datasets[0].Version));
        Assert.Equal("start-orchestration TrainingJob", (await world.OutboxAsync(job))[0]);
        var run = await world.Client.GetAsync<Run>($"/v1/runs/{job.RunId}");
        Assert.Equal((RunStatus.Scheduled, "3", "0.1", "x"), (run.Status, run.Params["epochs"], run.Params["lr"], run.Params["name"]));

        var tracked = await world.Client.GetAsync<System.Text.Json.JsonElement>($"/p/{world.Project.Name}/api/2.0/mlflow/runs/get?run_id={job.RunId}");
        Assert.Equal(
            (await world.Client.GetAsync<Contracts.Identity.User>("/v1/users/me")).UserName, tracked.GetProperty("run").GetProperty("info").GetProperty("user_id").GetString());

        var runner = await world.RegisterAsync();
        var admission = await world.AdmitAsync(job);
        Assert.True(admission.Admitted, admission.Reason);
        Assert.Equal(("jobs-default-normal", $"{job.Id}-1-0"), (admission.Queue, Assert.Single(admission.Nodes).MessageId));
        Assert.Equal(admission.Nodes, (await world.AdmitAsync(job)).Nodes);
        var assignment = await runner.ClaimAsync(job);
        Assert.Equal("1,2,3", await Blobs.ReadAsync(Assert.Single(Assert.Single(assignment.Datasets).Files).Url));
        await runner.ReportAsync(job, JobEventKind.Started);
        Assert.Equal((JobStatus.Running, AttemptStatus.Running), ((await world.GetAsync(job)).Status, (await world.GetAsync(job)).Attempts[0].Nodes[0].Status));
        Assert.Equal(1, (await world.Client.GetAsync<Runner>($"/v1/runners/{runner.Id}")).BusySlots);

        await PutModelAsync(functions.Client(assignment.JobToken), job, "a.onnx", 0.90);
        await PutModelAsync(functions.Client(assignment.JobToken), job, "b.onnx", 0.98);
        await PutModelAsync(functions.Client(assignment.JobToken), job, "c.onnx", 0.95);
        await runner.ReportAsync(job, JobEventKind.Finished);
        await world.EndAttemptAsync(job, 1, AttemptStatus.Succeeded);
        var model = await world.Service.PostAsync<ModelVersion>($"/v1/jobs/{job.Id}/model", new { });
        Assert.Equal(("digits-classifier", 1, "b.onnx", 0.98), (model.Name, model.Version, model.ArtifactPath, model.Metrics["val_accuracy"]));
        Assert.Equal(model.Id, (await world.Service.PostAsync<ModelVersion>($"/v1/jobs/{job.Id}/model", new { })).Id);
        Assert.Equal(HttpStatusCode.OK, (await world.SetStatusAsync(job, JobStatus.Succeeded)).StatusCode);

        var ended = await world.GetAsync(job);
        Assert.Equal((JobStatus.Succeeded, "digits-classifier/1", AttemptStatus.Succeeded), (ended.Status, ended.Model, ended.Attempts[0].Status));
        Assert.Equal(RunStatus.Finished, (await world.Client.GetAsync<Run>($"/v1/runs/{job.RunId}")).Status);
        var read = await world.Client.GetAsync<ModelVersion>($"/v1/projects/{world.Project.Name}/models/digits-classifier/versions/1");
        Assert.Equal(("digits", 1), (Assert.Single(read.Lineage.DatasetVersions).Name, read.Lineage.DatasetVersions[0].Version));
        Assert.Equal("b.onnx", await Blobs.ReadAsync(read.DownloadUrl!));

        var lineage = await world.Client.GetAsync<LineageGraph>($"/v1/lineage/modelVersion/{model.Id}");
        Assert.Equal(("run", job.RunId), (Assert.Single(lineage.Upstream).Source.Kind, lineage.Upstream[0].Source.Id));
        var around = await world.Client.GetAsync<LineageGraph>($"/v1/lineage/job/{job.Id}");
        Assert.Equal(("digits@1", job.RunId), (Assert.Single(around.Upstream).Source.Name, Assert.Single(around.Downstream).Target.Id));
        var task = await world.Client.GetAsync<PlatformTask>($"/v1/tasks/{job.Id}");
        Assert.Equal((TaskState.Succeeded, 1d, "trainingJob"), (task.State, task.Progress, task.Kind));
        Assert.Equal(job.Id, Assert.Single((await world.Client.GetAsync<Page<PlatformTask>>($"/v1/tasks?project={world.Project.Name}")).Items).Id);
    }

    [Theory]
    [InlineData("POST", "/raiseEvent/jobEvent")]
    [InlineData("POST", "/terminate")]
    [InlineData("POST", "/restart")]
    [InlineData("POST", "/rewind")]
    [InlineData("DELETE", "")]
    public async Task Owners_cannot_interfere_with_the_orchestration_of_their_job(string method, string action)
    {
        var world = await JobWorld.CreateAsync(functions);
        var stranger = await JobWorld.CreateAsync(functions);
        var path = $"/durabletask/instances/{(await world.SubmitAsync()).Id}{action}";
        await world.Client.SendJsonAsync(new HttpMethod(method), path, null).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.OrchestrationProtected);
        await stranger.Client.SendJsonAsync(new HttpMethod(method), path, null).ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task A_job_that_asks_for_no_model_registers_none_and_one_without_artifact_says_so()
    {
        var world = await JobWorld.CreateAsync(functions);
        var plain = await world.SubmitAsync();
        Assert.Equal(HttpStatusCode.NoContent, (await world.Service.PostJsonAsync($"/v1/jobs/{plain.Id}/model", new { })).StatusCode);
        var empty = await world.SubmitAsync(new SubmitJobRequest(Recipe: "image-classifier", RegisterModel: "m"));
        await world.Service.PostJsonAsync($"/v1/jobs/{empty.Id}/model", new { }).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    [Fact]
    public async Task Two_claims_of_one_node_on_two_instances_have_one_winner_and_its_repeat_is_harmless()
    {
        var world = await JobWorld.CreateAsync(functions);
        var first = await world.RegisterAsync();
        var second = await world.RegisterAsync();
        await using var another = await functions.StartAnotherAsync();
        using var client = another.CreateClient(functions.App.Services.GetService(typeof(AiPlatform.Identity.Accounts.TokenIssuer)) is AiPlatform.Identity.Accounts.TokenIssuer issuer
            ? issuer.ForService("runner", "runner").Token
            : null);
        for (var round = 0; round < 5; round++)
        {
            var job = await world.SubmitAsync();
            Assert.True((await world.AdmitAsync(job)).Admitted);
            var answers = await Task.WhenAll(first.TryClaimAsync(job, 1, 0), second.TryClaimAsync(job, 1, 0, client));
            Assert.Equal([HttpStatusCode.OK, HttpStatusCode.Conflict], answers.Select(answer => answer.StatusCode).Order());
            var (winner, loser) = answers[0].IsSuccessStatusCode ? (first, second) : (second, first);
            await winner.ClaimAsync(job);
            await loser.TryClaimAsync(job, 1, 0).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.NodeClaimed);
            await world.EndAttemptAsync(job, 1, AttemptStatus.Failed);
            await winner.TryClaimAsync(job, 1, 0).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.NodeClaimed);
            await winner.ReportAsync(job, JobEventKind.Cancelled);
        }
    }

    [Fact]
    public async Task Gangs_that_compete_on_two_instances_never_hold_half_of_what_they_need()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.RegisterAsync(slots: 2);
        await world.RegisterAsync(slots: 1);
        var jobs = new List<Job>();
        for (var i = 0; i < 6; i++)
        {
            jobs.Add(await world.SubmitAsync(new SubmitJobRequest(Recipe: "image-classifier", Resources: new JobResources(Nodes: 2))));
        }

        await using var another = await functions.StartAnotherAsync();
        using var service = another.CreateClient(world.Service.DefaultRequestHeaders.Authorization!.Parameter);
        var answers = await Task.WhenAll(jobs.Select((job, i) => (i % 2 == 0 ? world.Service : service).PostAsync<JobAdmission>($"/v1/jobs/{job.Id}/attempts", new AdmitAttemptRequest(1))));
        var admitted = Assert.Single(jobs.Zip(answers), pair => pair.Second.Admitted).First;
        Assert.All(answers.Where(answer => !answer.Admitted), answer => Assert.Equal(AdmissionBlock.Capacity, answer.Block));

        var next = jobs.First(job => job != admitted);
        await world.EndAttemptAsync(admitted, 1, AttemptStatus.Failed);
        Assert.True(await world.CountEventsAsync(next, "capacity") >= 1);
        Assert.True((await world.AdmitAsync(next)).Admitted);
    }

    [Fact]
    public async Task The_line_is_ordered_by_priority_then_age_and_a_job_that_cannot_fit_blocks_nobody()
    {
        var world = await JobWorld.CreateAsync(functions);
        var older = await world.SubmitAsync();
        var impossible = await world.SubmitAsync(new SubmitJobRequest(Recipe: "image-classifier", Priority: JobPriority.Critical, Resources: new JobResources(GpusPerProcess: 8)));
        var younger = await world.SubmitAsync();
        var urgent = await world.SubmitAsync(new SubmitJobRequest(Recipe: "image-classifier", Priority: JobPriority.High));
        foreach (var job in new[] { impossible, older, younger, urgent })
        {
            Assert.Equal(AdmissionBlock.Capacity, (await world.AdmitAsync(job)).Block);
        }

        await world.RegisterAsync(slots: 1);
        Assert.All(await Task.WhenAll(world.AdmitAsync(younger), world.AdmitAsync(older)), answer => Assert.False(answer.Admitted));
        Assert.Contains("ahead", (await world.AdmitAsync(older)).Reason, StringComparison.Ordinal);

        // How many are ahead, and not which: they may be anybody's.
        var waiting = await world.GetAsync(older);
        Assert.Equal("Jobs ahead in the line for pool default: 1.", waiting.Reason);
        var wait = await world.User.Client.SendJsonAsync(HttpMethod.Get, $"/v1/tasks/{older.Id}/why", null, ("Accept-Language", "zh-CN"));
        var told = await wait.ReadAsync<Contracts.Queues.TaskWait>();
        Assert.Equal((Contracts.Queues.WaitReason.Turn, "训练作业的状态为“等待中”。资源池“default”的队列中，前面还有 1 个作业。"), (told.Reason, told.Text));
        Assert.All(new[] { impossible, younger, urgent }, other => Assert.DoesNotContain(other.Id, waiting.Reason + told.Text, StringComparison.Ordinal));
        Assert.True((await world.AdmitAsync(urgent)).Admitted);
        Assert.False((await world.AdmitAsync(older)).Admitted);
        await world.EndAttemptAsync(urgent, 1, AttemptStatus.Succeeded);
        Assert.False((await world.AdmitAsync(younger)).Admitted);
        Assert.True((await world.AdmitAsync(older)).Admitted);
    }

    [Fact]
    public async Task Dependencies_hold_a_job_back_wake_it_and_fail_it()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.RegisterAsync();
        var first = await world.SubmitAsync();
        var second = await world.SubmitAsync(new SubmitJobRequest(Recipe: "image-classifier", DependsOn: [first.Id]));
        Assert.Equal(AdmissionBlock.Dependency, (await world.AdmitAsync(second)).Block);
        Assert.Equal(JobStatus.Waiting, (await world.GetAsync(second)).Status);
        await world.AdmitAsync(first);
        await world.SetStatusAsync(first, JobStatus.Running);
        await world.SetStatusAsync(first, JobStatus.Succeeded);
        Assert.Equal(1, await world.CountEventsAsync(second, "dependency"));
        Assert.True((await world.AdmitAsync(second)).Admitted);

        var third = await world.SubmitAsync(new SubmitJobRequest(Recipe: "image-classifier", DependsOn: [second.Id]));
        await world.SetStatusAsync(second, JobStatus.Failed, "broken");
        Assert.Equal(AdmissionBlock.DependencyFailed, (await world.AdmitAsync(third)).Block);
    }

    [Fact]
    public async Task A_job_is_cancelled_in_every_state()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var pending = await world.SubmitAsync();
        var queued = await world.SubmitAsync();
        await world.AdmitAsync(queued);
        var running = await world.SubmitAsync();
        await world.AdmitAsync(running);
        await runner.ClaimAsync(running);
        await runner.ReportAsync(running, JobEventKind.Started);
        var node = new RunningNode(running.Id, 1, 0);
        Assert.Single((await runner.HeartbeatAsync(node)).Tokens);
        foreach (var job in new[] { pending, queued, running })
        {
            Assert.Equal(JobStatus.Cancelling, (await world.Client.PostAsync<Job>($"/v1/jobs/{job.Id}/cancel", new CancelJobRequest("enough"))).Status);
            Assert.Equal(JobStatus.Cancelling, (await world.Client.PostAsync<Job>($"/v1/jobs/{job.Id}/cancel", new CancelJobRequest("enough"))).Status);
            Assert.Equal(1, await world.CountEventsAsync(job, "cancel"));
        }

        Assert.Equal(AdmissionBlock.Ended, (await world.AdmitAsync(pending)).Block);
        var command = Assert.Single((await runner.HeartbeatAsync(node)).Commands);
        Assert.Equal((RunnerCommandKind.Cancel, node, "enough"), (command.Kind, command.Node, command.Reason));
        await world.SetStatusAsync(running, JobStatus.Retrying);
        Assert.Equal(JobStatus.Cancelling, (await world.GetAsync(running)).Status);
        await world.EndAttemptAsync(running, 1, AttemptStatus.Cancelled);
        Assert.Equal(1, (await world.Client.GetAsync<Runner>($"/v1/runners/{runner.Id}")).BusySlots);
        await runner.ReportAsync(running, JobEventKind.Cancelled);
        Assert.Equal(0, (await world.Client.GetAsync<Runner>($"/v1/runners/{runner.Id}")).BusySlots);
        await world.SetStatusAsync(running, JobStatus.Cancelled, "enough");
        Assert.Equal(JobStatus.Cancelled, (await world.Client.PostAsync<Job>($"/v1/jobs/{running.Id}/cancel", new CancelJobRequest())).Status);
        Assert.Equal(RunStatus.Killed, (await world.Client.GetAsync<Run>($"/v1/runs/{running.RunId}")).Status);
    }

    [Fact]
    public async Task Illegal_transitions_name_both_states()
    {
        var world = await JobWorld.CreateAsync(functions);
        var job = await world.SubmitAsync();
        var problem = await world.SetStatusAsync(job, JobStatus.Succeeded).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
        Assert.Contains("\"pending\"", problem.Detail, StringComparison.Ordinal);
        Assert.Contains("\"succeeded\"", problem.Detail, StringComparison.Ordinal);
        await world.SetStatusAsync(job, JobStatus.Failed, "no");
        await world.Client.PostJsonAsync($"/v1/jobs/{job.Id}/cancel", new CancelJobRequest()).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
        await world.Client.PostJsonAsync($"/v1/jobs/{job.Id}/status", new SetJobStatusRequest(JobStatus.Failed)).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        Assert.Equal(HttpStatusCode.OK, (await world.SetStatusAsync(job, JobStatus.Failed, "no")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await world.EndAttemptAsync(job, 1, AttemptStatus.Failed)).StatusCode);
    }

    [Fact]
    public async Task A_second_attempt_gets_the_newest_checkpoint_and_a_fresh_gang()
    {
        var world = await JobWorld.CreateAsync(functions);
        var runner = await world.RegisterAsync();
        var job = await world.SubmitAsync();
        await world.AdmitAsync(job);
        var token = functions.Client((await runner.ClaimAsync(job)).JobToken);
        await runner.ReportAsync(job, JobEventKind.Started);
        await PutAsync(token, job, new CommitArtifactRequest("ckpt/5", 1, Blobs.Sha256("5"), ArtifactKind.Checkpoint, 5, null, 1), "5");
        await PutAsync(token, job, new CommitArtifactRequest("ckpt/9", 1, Blobs.Sha256("9"), ArtifactKind.Checkpoint, 9, null, 1), "9");
        await runner.ReportAsync(job, JobEventKind.Failed, reason: "exit code 1");
        await world.EndAttemptAsync(job, 1, AttemptStatus.Failed);
        await world.SetStatusAsync(job, JobStatus.Retrying, "exit code 1");
        Assert.Equal(RunStatus.Running, (await world.Client.GetAsync<Run>($"/v1/runs/{job.RunId}")).Status);
        await world.Service.PostJsonAsync($"/v1/jobs/{job.Id}/attempts", new AdmitAttemptRequest(3)).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
        Assert.True((await world.AdmitAsync(job, 2)).Admitted);
        Assert.Equal(AdmissionBlock.Ended, (await world.AdmitAsync(job, 1)).Block);
        var second = await runner.ClaimAsync(job, 2);
        Assert.Equal(("ckpt/9", 9L), (second.Checkpoint!.Path, second.Checkpoint.Step));
        Assert.Equal("9", await Blobs.ReadAsync(second.Checkpoint.DownloadUrl!));
        await functions.Client(second.JobToken).PostJsonAsync($"/v1/runs/{job.RunId}/attempts/2/resume", new ResumeRequest(9));
        Assert.Equal(9, (await world.GetAsync(job)).Attempts[1].ResumeStep);
    }

    private static async Task PutModelAsync(HttpClient client, Job job, string path, double accuracy)
        => await PutAsync(
            client,
            job,
            new CommitArtifactRequest(path, path.Length, Blobs.Sha256(path), ArtifactKind.Model, 1, new Dictionary<string, double> { ["val_accuracy"] = accuracy }, 1),
            path);

    private static async Task PutAsync(HttpClient client, Job job, CommitArtifactRequest request, string content)
    {
        var upload = await client.PostAsync<ArtifactUpload>($"/v1/runs/{job.RunId}/artifacts/uploads", new ArtifactUploadRequest(request.Path, request.Size, request.Sha256));
        await Blobs.UploadAsync(upload.Url, upload.Headers, content);
        await client.PostAsync<Artifact>($"/v1/runs/{job.RunId}/artifacts", request);
    }
}
