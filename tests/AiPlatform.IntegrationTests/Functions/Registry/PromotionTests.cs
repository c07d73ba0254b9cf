using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Data.Quality;
using AiPlatform.IntegrationTests.Functions.Compute.Jobs;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using AiPlatform.Ports.Data;
using AiPlatform.Registry.Models.Promotions;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Registry;

[Collection(TrackingCollection.Name)]
public sealed class PromotionTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private static readonly PromotionTarget Production = new(PromotionTargetKind.Stage, "production");
    private static readonly PromotionTarget Champion = new(PromotionTargetKind.Alias, "champion");

    [Fact]
    public async Task A_version_with_its_evidence_is_approved_by_somebody_else_and_moves_in_the_same_transaction()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        await world.RegisterAsync(0.9);
        await world.RegisterAsync(0.97);
        await world.Owner.SetModelStageAsync(world.Project, "digits", 1, new SetStageRequest(ModelStage.Production), default);
        var rule = await world.Owner.SetPromotionRuleAsync(
            world.Project, "digits", Production,
            new SetPromotionRuleRequest([new MetricThreshold("accuracy", ThresholdComparison.AtLeast, 0.05, RelativeToCurrent: true), new MetricThreshold("recall", ThresholdComparison.AtLeast, 0.4)]), default);
        Assert.Equal(rule.Target, Assert.Single(await world.Owner.ListPromotionRulesAsync(world.Project, "digits", default)).Target);

        await using var events = await EventReader.OpenAsync(world.User.Client, $"project:{world.Project}");
        var promotion = await world.RequestAsync(world.Owner, 2, Production);
        Assert.Equal((PromotionStatus.Pending, true), (promotion.Status, promotion.ArchiveExisting));
        Assert.Equal([("accuracy", true, ">= 0.9500000000000001", "0.97"), ("recall", true, ">= 0.4", "0.485")], promotion.Evidence.Select(piece => (piece.Name, piece.Passed, piece.Expected, piece.Actual!)));
        Assert.Equal("model.promotion.requested", await NextKindAsync(events));
        Assert.Equal(ErrorCodes.AlreadyExists, await RegistryWorld.RefusedAsync(() => world.RequestAsync(world.Administrator, 2, Production)));

        // The rule leaves no way around: neither the native API nor MLflow's moves the version.
        Assert.Equal(ErrorCodes.PromotionRequired, await RegistryWorld.RefusedAsync(() => world.Owner.SetModelStageAsync(world.Project, "digits", 2, new SetStageRequest(ModelStage.Production), default)));
        using var mlflow = await world.User.Client.PostJsonAsync(
            $"/p/{world.Project}/api/2.0/mlflow/model-versions/transition-stage", """{"name":"digits","version":"2","stage":"Production"}""");
        Assert.Contains("PERMISSION_DENIED", await mlflow.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        Assert.Equal(ErrorCodes.OwnRequest, await RegistryWorld.RefusedAsync(() => world.Owner.ApprovePromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest(), default)));
        var inbox = await world.Administrator.ListPromotionsAsync(world.Project, PromotionStatus.Pending, null, null, default);
        Assert.Equal(promotion.Id, Assert.Single(inbox.Items).Id);
        var approved = await world.Administrator.ApprovePromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest("good"), default);
        Assert.Equal((PromotionStatus.Approved, FunctionsFixture.AdministratorName, "good"), (approved.Status, approved.DecidedByName, approved.DecisionComment));
        Assert.Equal(ModelStage.Production, (await world.Owner.GetModelVersionAsync(world.Project, "digits", 2, default)).Stage);
        Assert.Equal(ModelStage.Archived, (await world.Owner.GetModelVersionAsync(world.Project, "digits", 1, default)).Stage);
        var moves = (await world.Owner.ListModelMovesAsync(world.Project, "digits", null, null, default)).Items;
        Assert.Equal([promotion.Id, promotion.Id, null], moves.Select(move => move.PromotionId));
        Assert.Equal(
            ErrorCodes.IllegalTransition,
            await RegistryWorld.RefusedAsync(() => world.Administrator.RejectPromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest(), default)));
    }

    // What was done before the subscription may still be told after it.
    private static async Task<string> NextKindAsync(EventReader events)
    {
        string kind;
        do
        {
            kind = (await events.NextAsync()).Kind;
        }
        while (!kind.StartsWith("model.promotion.", StringComparison.Ordinal));

        return kind;
    }

    [Fact]
    public async Task One_person_promotes_alone_where_the_rule_allows_self_approval()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        await world.RegisterAsync(0.9);
        var closed = await world.Owner.SetPromotionRuleAsync(world.Project, "digits", Production, new SetPromotionRuleRequest(), default);
        Assert.False(closed.AllowSelfApproval);
        var promotion = await world.RequestAsync(world.Owner, 1, Production);
        Assert.Equal(ErrorCodes.OwnRequest, await RegistryWorld.RefusedAsync(() => world.Owner.ApprovePromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest(), default)));

        await world.Owner.SetPromotionRuleAsync(world.Project, "digits", Production, new SetPromotionRuleRequest(AllowSelfApproval: true), default);
        Assert.True(Assert.Single(await world.Owner.ListPromotionRulesAsync(world.Project, "digits", default)).AllowSelfApproval);
        var approved = await world.Owner.ApprovePromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest("mine"), default);
        Assert.Equal((PromotionStatus.Approved, approved.RequestedBy), (approved.Status, approved.DecidedBy));
        Assert.Equal(ModelStage.Production, (await world.Owner.GetModelVersionAsync(world.Project, "digits", 1, default)).Stage);
    }

    [Fact]
    public async Task Missing_evidence_holds_an_approval_up_until_it_is_there()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        await world.RegisterAsync(0.9);
        await world.Owner.SetPromotionRuleAsync(world.Project, "digits", Champion, new SetPromotionRuleRequest([new MetricThreshold("accuracy", ThresholdComparison.AtLeast, 0.95)]), default);
        var promotion = await world.RequestAsync(world.Owner, 1, Champion);
        Assert.False(promotion.Evidence.Single().Passed);
        Assert.Equal(
            ErrorCodes.EvidenceMissing,
            await RegistryWorld.RefusedAsync(() => world.Administrator.ApprovePromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest(), default)));
        Assert.Empty((await world.Owner.GetModelAsync(world.Project, "digits", default)).Aliases!);

        await world.Owner.UpdateModelVersionAsync(world.Project, "digits", 1, new UpdateModelVersionRequest(Metrics: new Dictionary<string, double> { ["accuracy"] = 0.96 }), null, default);
        Assert.True((await world.Owner.GetPromotionAsync(world.Project, "digits", promotion.Id, default)).Evidence.Single().Passed);
        await world.Administrator.ApprovePromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest(), default);
        Assert.Equal(new ModelAlias("champion", 1), Assert.Single((await world.Owner.GetModelAsync(world.Project, "digits", default)).Aliases!));
    }

    [Fact]
    public async Task The_quality_of_the_data_is_evidence_and_no_report_is_none()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.UploadDatasetAsync("digits", ("a.csv", "label\n1\n"));
        var (modelId, datasetVersion) = await VersionOfJobAsync(world);
        await using var database = new Database(functions.Postgres);
        var rule = new PromotionRule(Production, [], true, 80, PromotionApprover.Maintainer, 1, null, DateTimeOffset.UnixEpoch);
        foreach (var (report, passed, actual) in new (DatasetQuality?, bool, string?)[]
        {
            (null, false, null), (new("r1", 90, Blocked: false), true, "not blocked, score 90"), (new("r2", 90, Blocked: true), false, "blocked, score 90"),
            (new("r3", 50, Blocked: false), false, "not blocked, score 50"), (new("r4", null, Blocked: false), false, "not blocked"),
        })
        {
            var reader = new EvidenceReader(new FixedQuality(datasetVersion, report));
            var evidence = await database.InWorkAsync(work => reader.ReadAsync(work, modelId, 1, rule), CancellationToken.None);
            Assert.Equal(new PromotionEvidence(EvidenceKind.Quality, "digits@1", passed, "not blocked, score >= 80", actual, report?.ReportId), Assert.Single(evidence));
        }
    }

    [Fact]
    public async Task Requests_are_taken_back_rejected_or_expire()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        await world.RegisterAsync(0.9);
        var withdrawn = await world.RequestAsync(world.Owner, 1, Champion);
        Assert.Equal(ErrorCodes.Forbidden, await RegistryWorld.RefusedAsync(() => world.Administrator.WithdrawPromotionAsync(world.Project, "digits", withdrawn.Id, new DecidePromotionRequest(), default)));
        Assert.Equal(PromotionStatus.Withdrawn, (await world.Owner.WithdrawPromotionAsync(world.Project, "digits", withdrawn.Id, new DecidePromotionRequest(), default)).Status);
        var rejected = await world.RequestAsync(world.Administrator, 1, Champion);
        Assert.Equal(
            (PromotionStatus.Rejected, "no"), (await world.Owner.RejectPromotionAsync(world.Project, "digits", rejected.Id, new DecidePromotionRequest("no"), default)) is var row ? (row.Status, row.DecisionComment!) : default);

        await using var connection = new NpgsqlConnection(functions.Postgres);
        var late = await world.RequestAsync(world.Owner, 1, Champion);
        await connection.ExecuteAsync("UPDATE model_promotions SET expires_at = now() - interval '1 second' WHERE id = @Id", new { late.Id });
        Assert.Equal(
            ErrorCodes.IllegalTransition,
            await RegistryWorld.RefusedAsync(() => world.Administrator.ApprovePromotionAsync(world.Project, "digits", late.Id, new DecidePromotionRequest(), default)));
        var ticked = await world.RequestAsync(world.Owner, 1, Champion);
        await connection.ExecuteAsync("UPDATE model_promotions SET expires_at = now() - interval '1 second' WHERE id = @Id", new { ticked.Id });
        await functions.App.Services.GetServices<ITickTask>().OfType<PromotionExpiry>().Single().RunAsync(CancellationToken.None);
        Assert.All(
            await Task.WhenAll(world.Owner.GetPromotionAsync(world.Project, "digits", late.Id, default), world.Owner.GetPromotionAsync(world.Project, "digits", ticked.Id, default)),
            promotion => Assert.Equal(PromotionStatus.Expired, promotion.Status));
    }

    [Fact]
    public async Task Rules_for_administrators_are_set_and_passed_only_by_them()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        await world.RegisterAsync(0.9);
        var strict = new SetPromotionRuleRequest(Approver: PromotionApprover.Administrator, ExpiresAfterHours: 2);
        Assert.Equal(ErrorCodes.Forbidden, await RegistryWorld.RefusedAsync(() => world.Owner.SetPromotionRuleAsync(world.Project, "digits", Champion, strict, default)));
        await world.Administrator.SetPromotionRuleAsync(world.Project, "digits", Champion, strict, default);
        Assert.Equal(ErrorCodes.Forbidden, await RegistryWorld.RefusedAsync(() => world.Owner.DeletePromotionRuleAsync(world.Project, "digits", Champion, default)));
        var promotion = await world.RequestAsync(world.Administrator, 1, new PromotionTarget(PromotionTargetKind.Alias, "Champion"));
        Assert.InRange(promotion.ExpiresAt - promotion.RequestedAt, TimeSpan.FromHours(1.9), TimeSpan.FromHours(2.1));
        Assert.Equal(ErrorCodes.Forbidden, await RegistryWorld.RefusedAsync(() => world.Owner.ApprovePromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest(), default)));
        await world.Administrator.DeletePromotionRuleAsync(world.Project, "digits", Champion, default);
        Assert.Equal(
            PromotionStatus.Approved, (await world.Owner.ApprovePromotionAsync(world.Project, "digits", promotion.Id, new DecidePromotionRequest(), default)).Status);

        foreach (var wrong in new[] { new PromotionTarget(PromotionTargetKind.Stage, "archived"), new PromotionTarget(PromotionTargetKind.Stage, "nowhere"), new PromotionTarget(PromotionTargetKind.Alias, "v1") })
        {
            Assert.Equal(ErrorCodes.InvalidRequest, await RegistryWorld.RefusedAsync(() => world.RequestAsync(world.Owner, 1, wrong)));
        }
    }

    [Fact]
    public async Task The_newest_report_that_succeeded_counts_and_a_block_that_somebody_answers_for_is_none()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.UploadDatasetAsync("digits", ("a.csv", "label\n1\n"));
        var (_, version) = await VersionOfJobAsync(world);
        await using var connection = new NpgsqlConnection(functions.Postgres);
        async Task AddAsync(string id, string status, double? score, bool? blocked) => await connection.ExecuteAsync(
            """
            INSERT INTO quality_reports (id, project_id, version_id, status, plan, score, passed, blocked, created_at)
            VALUES (@id, @project, @version, @status, '', @score, NOT @blocked, @blocked, now())
            """,
            new { id = $"{world.Project.Id[..30]}{id}", project = world.Project.Id, version, status, score, blocked });
        await using var database = new Database(functions.Postgres);
        async Task<DatasetQuality?> LatestAsync() => (await database.InWorkAsync(work => new DatasetQualityRule().LatestAsync(work, [version]), CancellationToken.None)).GetValueOrDefault(version);
        Assert.Null(await LatestAsync());
        await AddAsync("01", "succeeded", 95, false);
        await AddAsync("02", "succeeded", 40, true);
        await AddAsync("03", "failed", null, null);
        Assert.Equal((40d, true), (await LatestAsync() is { } found ? (found.Score!.Value, found.Blocked) : default));
        await connection.ExecuteAsync(
            "INSERT INTO quality_overrides (report_id, reason, created_by, created_by_name, created_at) VALUES (@id, 'known', 'u', 'u', now())", new { id = $"{world.Project.Id[..30]}02" });
        Assert.False((await LatestAsync())!.Blocked);
    }

    private async Task<(string ModelId, string DatasetVersionId)> VersionOfJobAsync(JobWorld world)
    {
        var job = await world.SubmitAsync(new Contracts.Jobs.SubmitJobRequest(Recipe: "image-classifier", Datasets: [new("digits")]));
        var model = await world.Client.PostAsync<RegisteredModel>($"/v1/projects/{world.Project.Id}/models", new CreateModelRequest("digits"));
        await using var connection = new NpgsqlConnection(functions.Postgres);
        await connection.ExecuteAsync(
            """
            INSERT INTO model_versions (id, model_id, project_id, version, run_id, job_id, created_at) VALUES (@id, @model, @project, 1, @run, @job, now())
            """,
            new { id = Guid.CreateVersion7().ToString("N"), model = model.Id, project = world.Project.Id, run = job.RunId, job = job.Id });
        return (model.Id, await connection.ExecuteScalarAsync<string>("SELECT version_id FROM job_datasets WHERE job_id = @Id", new { job.Id }) ?? string.Empty);
    }

    private sealed class FixedQuality(string versionId, DatasetQuality? report) : IDatasetQuality
    {
        public Task<IReadOnlyDictionary<string, DatasetQuality>> LatestAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds)
        {
            Assert.Equal([versionId], versionIds);
            return Task.FromResult<IReadOnlyDictionary<string, DatasetQuality>>(report is null ? new Dictionary<string, DatasetQuality>() : new Dictionary<string, DatasetQuality> { [versionId] = report });
        }

        public Task RequireUsableAsync(UnitOfWork work, IReadOnlyCollection<string> versionIds) => throw new NotSupportedException("Evidence is read, not required.");
    }
}
