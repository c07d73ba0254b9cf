using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Quality;
using AiPlatform.Contracts.Queues;
using AiPlatform.Contracts.Tasks;
using AiPlatform.IntegrationTests.Functions.Compute.Jobs;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Operations;

[Collection(DataCollection.Name)]
public sealed class TaskCancelTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    [Fact]
    public async Task Every_kind_that_the_list_shows_is_cancelled_by_its_id()
    {
        var world = await JobWorld.CreateAsync(functions);
        await world.UploadDatasetAsync("digits", ("train.csv", "a,b\n1,2\n"));
        await world.SubmitAsync();
        var datasets = $"/v1/projects/{world.Project.Name}/datasets/digits";
        await world.Client.PostAsync<QualityReportSubmission>($"{datasets}/versions/1/quality-reports", new CreateQualityReportRequest());
        await world.Client.PostAsync<DatasetImportSubmission>($"{datasets}/imports", new CreateDatasetImportRequest(new ImportUrl("https://example.org/more.csv")));
        await world.Client.PostAsync<QueueTask>($"/v1/queues/{world.Project.Name}/default/tasks", new SubmitTaskRequest(TaskHandlers.Noop));

        var tasks = (await world.Client.GetAsync<Page<PlatformTask>>($"/v1/tasks?project={world.Project.Name}")).Items;
        Assert.Equal(["datasetImport", "qualityReport", "queueTask", "trainingJob"], tasks.Select(static task => task.Kind).Order(StringComparer.Ordinal));
        foreach (var task in tasks)
        {
            var reached = await world.Client.PostAsync<CancelledTasks>($"/v1/tasks/{task.Id}/cancel", new CancelTaskRequest("enough"));
            Assert.Equal(1, reached.Cancelled + reached.Stopping);

            // A job and an import stop by way of their orchestrations; the others have ended.
            var state = (await world.Client.GetAsync<PlatformTask>($"/v1/tasks/{task.Id}")).State;
            Assert.Equal(reached.Cancelled == 1 ? TaskState.Cancelled : TaskState.Running, state);
            var again = await world.Client.PostAsync<CancelledTasks>($"/v1/tasks/{task.Id}/cancel", new CancelTaskRequest());
            Assert.Equal(new CancelledTasks(0, reached.Stopping), again);
        }
    }
}
