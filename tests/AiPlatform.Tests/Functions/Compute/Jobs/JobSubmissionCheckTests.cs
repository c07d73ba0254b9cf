using System.Text.Json;
using AiPlatform.Compute.Jobs;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Tests.Functions.Compute.Jobs;

public sealed class JobSubmissionCheckTests
{
    private static readonly SubmitJobRequest Good = new(Recipe: "image-classifier");
    private static readonly JobCode Code = new("main.py", new Dictionary<string, string> { ["main.py"] = "print(1)" });

    public static TheoryData<string, SubmitJobRequest> Bad => new()
    {
        { "recipe", new SubmitJobRequest() },
        { "recipe", Good with { Recipe = "unknown" } },
        { "code", Good with { Code = Code } },
        { "code.entrypoint", new SubmitJobRequest(Code: Code with { Entrypoint = "other.py" }) },
        { "code.files", new SubmitJobRequest(Code: new JobCode("../main.py", new Dictionary<string, string> { ["../main.py"] = "x" })) },
        { "code.files", new SubmitJobRequest(Code: new JobCode("main.py", new Dictionary<string, string> { ["main.py"] = new string('x', 1_000_001) })) },
        { "code.files", new SubmitJobRequest(Code: new JobCode("main.py", new Dictionary<string, string>())) },
        { "params", Good with { Params = Json("[1]") } },
        { "params.a", Good with { Params = Json("""{"a":1,"a":2}""") } },
        { "params", Good with { Params = Json($$"""{"a":["{{new string('x', 70_000)}}"]}""") } },
        { "params", Good with { Params = Json("""{"a":{"b":"\u0000"}}""") } },
        { "resources.nodes", Good with { Resources = new JobResources(Nodes: 0) } },
        { "resources.nodes", Good with { Resources = new JobResources(Nodes: 65) } },
        { "resources.processesPerNode", Good with { Resources = new JobResources(ProcessesPerNode: 17) } },
        { "resources.gpusPerProcess", Good with { Resources = new JobResources(GpusPerProcess: -1) } },
        { "resources.pool", Good with { Resources = new JobResources(Pool: "elsewhere") } },
        { "retry.maxAttempts", Good with { Retry = new JobRetry(MaxAttempts: 21) } },
        { "retry.firstDelaySeconds", Good with { Retry = new JobRetry(FirstDelaySeconds: double.NaN) } },
        { "retry.backoffCoefficient", Good with { Retry = new JobRetry(BackoffCoefficient: 0.5) } },
        { "retry.maxDelaySeconds", Good with { Retry = new JobRetry(MaxDelaySeconds: -1) } },
        { "timeoutSeconds", Good with { TimeoutSeconds = 0 } },
        { "registerModel", Good with { RegisterModel = "a/b" } },
        { "experiment", Good with { Experiment = "" } },
        { "name", Good with { Name = "" } },
        { "datasets", Good with { Datasets = [.. Enumerable.Repeat(new JobDataset("d"), 33)] } },
        { "datasets[0].version", Good with { Datasets = [new JobDataset("d", 0)] } },
        { "dependsOn[1]", Good with { DependsOn = ["00000000000000000000000000000001", "x"] } },
        { "dependsOn", Good with { DependsOn = [.. Enumerable.Repeat("00000000000000000000000000000001", 101)] } },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void A_bad_field_is_named(string field, SubmitJobRequest request)
        => Assert.Equal(field, Assert.Throws<ApiException>(() => JobSubmissionCheck.Complete(request, new JobOptions())).Field);

    [Fact]
    public void Defaults_are_filled_in_and_repeated_dependencies_count_once()
    {
        const string Id = "00000000000000000000000000000001";
        var spec = JobSubmissionCheck.Complete(Good with { DependsOn = [Id, Id] }, new JobOptions());
        Assert.Equal((new JobResources(), new JobRetry(), JsonValueKind.Object), (spec.Resources, spec.Retry, spec.Params.ValueKind));
        Assert.Equal([Id], spec.DependsOn);
        Assert.Equal("main.py", JobSubmissionCheck.Complete(new SubmitJobRequest(Code: Code), new JobOptions()).Code!.Entrypoint);
    }

    [Fact]
    public void Parameters_of_the_run_are_texts()
        => Assert.Equal(
            new Dictionary<string, string> { ["s"] = "text", ["n"] = "1e-3", ["l"] = "[1, 2]", ["b"] = "true" },
            JobSubmissionCheck.RunParams(Json("""{"s":"text","n":1e-3,"l":[1, 2],"b":true}""")));

    private static JsonElement Json(string text) => JsonElement.Parse(text);
}
