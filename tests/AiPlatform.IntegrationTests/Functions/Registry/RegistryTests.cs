using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Servers;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Registry;

[Collection(TrackingCollection.Name)]
public abstract class RegistryTests(FunctionsFixture functions)
{
    /// <summary>To the app itself.</summary>
    public sealed class Direct(FunctionsFixture functions) : RegistryTests(functions), IClassFixture<FunctionsFixture>;

    /// <summary>Through the Functions host.</summary>
    public sealed class ThroughHost(HostedFunctionsFixture functions) : RegistryTests(functions), IClassFixture<HostedFunctionsFixture>;

    [Fact]
    public async Task What_is_said_about_models_and_versions_changes_with_their_revisions()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        var model = await world.Owner.UpdateModelAsync(
            world.Project, "digits", new UpdateModelRequest("Reads digits.", new Dictionary<string, string?> { ["task"] = "vision", ["old"] = "x" }), null, default);
        model = await world.Owner.UpdateModelAsync(world.Project, "digits", new UpdateModelRequest(Tags: new Dictionary<string, string?> { ["old"] = null }), model.Revision, default);
        Assert.Equal(("Reads digits.", "vision", 1), (model.Description, model.Tags!["task"], model.Tags.Count));
        Assert.Equal(ErrorCodes.PreconditionFailed, await RegistryWorld.RefusedAsync(() => world.Owner.UpdateModelAsync(world.Project, "digits", new UpdateModelRequest("late"), 1, default)));

        var (_, version) = await world.RegisterAsync(0.9);
        Assert.Equal(("a", ModelStage.None), (version.Tags!["team"], version.Stage));
        var example = JsonSerializer.Deserialize<JsonElement>("""{"x":[1,2]}""");
        var changed = await world.Owner.UpdateModelVersionAsync(
            world.Project, "digits", 1, new UpdateModelVersionRequest("better words", new Dictionary<string, double> { ["accuracy"] = 0.95 }, new Dictionary<string, string?> { ["team"] = "b" }, InputExample: example), version.Revision, default);
        Assert.Equal(("better words", 0.95, "b", "[1,2]"), (changed.Description, changed.Metrics["accuracy"], changed.Tags!["team"], changed.InputExample!.Value.GetProperty("x").GetRawText().Replace(" ", string.Empty, StringComparison.Ordinal)));
        Assert.Equal("x", changed.Signature!.Value.GetProperty("inputs")[0].GetProperty("name").GetString());
        Assert.Equal(
            ErrorCodes.InvalidRequest,
            await RegistryWorld.RefusedAsync(() => world.Owner.UpdateModelVersionAsync(world.Project, "digits", 1, new UpdateModelVersionRequest(Signature: example), null, default)));
        Assert.Equal(
            ErrorCodes.PreconditionFailed,
            await RegistryWorld.RefusedAsync(() => world.Owner.UpdateModelVersionAsync(world.Project, "digits", 1, new UpdateModelVersionRequest("late"), version.Revision, default)));

        await world.Owner.DeleteModelVersionAsync(world.Project, "digits", 1, default);
        Assert.Equal(ErrorCodes.NotFound, await RegistryWorld.RefusedAsync(() => world.Owner.GetModelVersionAsync(world.Project, "digits", 1, default)));
    }

    [Fact]
    public async Task Cards_of_models_and_of_versions_keep_every_revision_as_it_was_written()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        await world.RegisterAsync(0.9);
        const string Hostile = "# Card\n<script>alert(1)</script>";
        Assert.Equal(0, (await world.Owner.GetModelCardAsync(world.Project, "digits", default)).Revision);
        await world.Owner.WriteModelCardAsync(world.Project, "digits", new WriteModelCardRequest(Hostile), 0, default);
        var second = await world.Administrator.WriteModelCardAsync(world.Project, "digits", new WriteModelCardRequest("two"), 1, default);
        await world.Owner.WriteModelVersionCardAsync(world.Project, "digits", 1, new WriteModelCardRequest("of the version"), null, default);
        Assert.Equal((2L, FunctionsFixture.AdministratorName), (second.Revision, second.AuthorName));
        Assert.Equal(ErrorCodes.PreconditionFailed, await RegistryWorld.RefusedAsync(() => world.Owner.WriteModelCardAsync(world.Project, "digits", new WriteModelCardRequest("late"), 1, default)));
        var history = (await world.Owner.ListModelCardsAsync(world.Project, "digits", null, null, default)).Items;
        Assert.Equal(["two", Hostile], history.Select(card => card.Text));
        Assert.Equal("of the version", (await world.Owner.GetModelVersionCardAsync(world.Project, "digits", 1, default)).Text);
        Assert.Equal(ErrorCodes.NotFound, await RegistryWorld.RefusedAsync(() => world.Owner.GetModelVersionCardAsync(world.Project, "digits", 7, default)));

        // Text is only ever an answer of the API: nothing that a browser would run.
        var answer = await world.User.Client.GetAsync($"/v1/projects/{world.Project}/models/digits/card");
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public async Task Moves_of_stages_and_aliases_are_recorded_by_whichever_api_they_are_made()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        await world.RegisterAsync(0.9);
        await world.RegisterAsync(0.95);
        await world.Owner.SetModelStageAsync(world.Project, "digits", 1, new SetStageRequest(ModelStage.Production), default);
        await world.Owner.SetModelAliasAsync(world.Project, "digits", "champion", new SetAliasRequest(1), default);
        await world.Owner.SetModelAliasAsync(world.Project, "digits", "Champion", new SetAliasRequest(2), default);
        await world.Owner.SetModelAliasAsync(world.Project, "digits", "champion", new SetAliasRequest(2), default);
        using var mlflow = await world.User.Client.PostJsonAsync(
            $"/p/{world.Project}/api/2.0/mlflow/model-versions/transition-stage", """{"name":"digits","version":"2","stage":"Production","archive_existing_versions":true}""");
        Assert.True(mlflow.IsSuccessStatusCode, await mlflow.Content.ReadAsStringAsync());
        await world.Administrator.DeleteModelAliasAsync(world.Project, "digits", "champion", default);

        var moves = (await world.Owner.ListModelMovesAsync(world.Project, "digits", null, null, default)).Items;
        Assert.Equal(
            [(2, "champion", null), (2, "None", "Production"), (1, "Production", "Archived"), (2, "1", "Champion"), (1, null, "champion"), (1, "None", "Production")],
            moves.Select(move => (move.Version, move.From, move.To)));
        Assert.Equal([FunctionsFixture.AdministratorName, world.User.User.UserName], moves.Select(move => move.ActorName).Distinct());
        Assert.Equal(ModelStage.Archived, (await world.Owner.GetModelVersionAsync(world.Project, "digits", 1, default)).Stage);
        Assert.Empty((await world.Owner.GetModelAsync(world.Project, "digits", default)).Aliases!);

        Assert.Equal(ErrorCodes.InvalidRequest, await RegistryWorld.RefusedAsync(() => world.Owner.SetModelAliasAsync(world.Project, "digits", "v3", new SetAliasRequest(1), default)));
        Assert.Equal(ErrorCodes.NotFound, await RegistryWorld.RefusedAsync(() => world.Owner.SetModelAliasAsync(world.Project, "digits", "next", new SetAliasRequest(9), default)));
        Assert.Equal(
            ErrorCodes.InvalidRequest,
            await RegistryWorld.RefusedAsync(() => world.Owner.SetModelStageAsync(world.Project, "digits", 1, new SetStageRequest(ModelStage.Archived, ArchiveExisting: true), default)));
    }

    [Fact]
    public async Task Versions_side_by_side_and_the_provenance_of_one()
    {
        var world = await RegistryWorld.CreateAsync(functions);
        var (run, _) = await world.RegisterAsync(
            0.9,
            new Dictionary<string, string> { ["mlflow.source.git.commit"] = "abc123", ["mlflow.source.git.repoURL"] = "https://git.example/digits.git", ["mlflow.source.name"] = "train.py" },
            new Dictionary<string, string> { ["lr"] = "0.1", ["seed"] = "7" });
        await world.RegisterAsync(0.95, parameters: new Dictionary<string, string> { ["lr"] = "0.2", ["seed"] = "7" });
        await world.Owner.UpdateModelVersionAsync(
            world.Project, "digits", 2, new UpdateModelVersionRequest(Signature: JsonSerializer.Deserialize<JsonElement>("""{"inputs":[{"name":"x","type":"float"}]}""")), null, default);
        var comparison = await world.Owner.CompareModelVersionsAsync(world.Project, "digits", new CompareModelVersionsRequest([2, 1]), default);
        Assert.Equal([2, 1], comparison.Versions.Select(version => version.Version));
        Assert.Equal<double?>([0.95, 0.9], comparison.Metrics.Single().Values);
        Assert.Equal([("lr", true), ("seed", false)], comparison.Params.Select(row => (row.Key, row.Differs)));
        Assert.Equal<string?>(["type: float", "type: double"], comparison.Signature.Single().Values);
        Assert.False(comparison.Tags.Single().Differs);
        Assert.Equal(ErrorCodes.InvalidRequest, await RegistryWorld.RefusedAsync(() => world.Owner.CompareModelVersionsAsync(world.Project, "digits", new CompareModelVersionsRequest([1]), default)));

        await world.RequestAsync(world.Owner, 1, new PromotionTarget(PromotionTargetKind.Alias, "champion"));
        var provenance = await world.Owner.GetModelProvenanceAsync(world.Project, "digits", 1, default);
        Assert.Equal((run.Id, "exp", "0.1", 0.45), (provenance.Run!.Id, provenance.Run.ExperimentName, provenance.Run.Params["lr"], provenance.Run.Metrics["recall"]));
        Assert.Equal(new ProvenanceCode(null, "train.py", null, "https://git.example/digits.git", null, "abc123"), provenance.Code);
        Assert.Equal("champion", Assert.Single(provenance.Promotions).Target.Name);
        Assert.Null(provenance.Job);
    }
}
