using System.Net;
using System.Text;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Experiments;
using AiPlatform.Contracts.Models;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>One rule for names of datasets, models and experiments: letters of any script, kept in normal form C, found however they are typed.</summary>
[Collection(ServersCollection.Name)]
public sealed class NameTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string Decomposed = "Cafe\u0301-donne\u0301es";

    public static TheoryData<string> Good() => ["客户数据", "Ünïcödé_1.0", "данные-2024", "データ", Decomposed, "हिन्दी"];

    public static TheoryData<string> Bad() => ["客户/数据", "客户 数据", "-客户", "客户\u200B数据", "客户\u202E", "😀", "数\u0001据", ".客户", "客户\u2028", "a/b", "..", ""];

    [Theory]
    [MemberData(nameof(Good))]
    public async Task Datasets_models_and_experiments_can_be_called_in_any_script(string name)
    {
        var user = await functions.CreateUserAsync();
        var project = (await functions.CreateProjectAsync(user.Client)).Name;
        var kept = name.Normalize(NormalizationForm.FormC);
        var dataset = await user.Client.PostAsync<Dataset>($"/v1/projects/{project}/datasets", new CreateDatasetRequest(name));
        var model = await user.Client.PostAsync<RegisteredModel>($"/v1/projects/{project}/models", new CreateModelRequest(name));
        var experiment = await user.Client.PostAsync<Experiment>($"/v1/projects/{project}/experiments", new CreateExperimentRequest(name));
        Assert.Equal((kept, kept, kept), (dataset.Name, model.Name, experiment.Name));
        foreach (var typed in (string[])[kept, name, name.Normalize(NormalizationForm.FormD)])
        {
            var path = Uri.EscapeDataString(typed);
            Assert.Equal(dataset.Id, (await GetAsync<Dataset>(user, $"/v1/projects/{project}/datasets/{path}")).Id);
            Assert.Equal(model.Id, (await GetAsync<RegisteredModel>(user, $"/v1/projects/{project}/models/{path}")).Id);
            Assert.Equal(experiment.Id, (await GetAsync<Experiment>(user, $"/v1/projects/{project}/experiments/{path}")).Id);
        }

        var found = await GetAsync<JsonElement>(user, $"/p/{project}/api/2.0/mlflow/registered-models/search?filter={Uri.EscapeDataString($"name LIKE '{kept[..1]}%'")}");
        Assert.Equal(kept, found.GetProperty("registered_models")[0].GetProperty("name").GetString());
        var byName = await GetAsync<JsonElement>(user, $"/p/{project}/api/2.0/mlflow/experiments/get-by-name?experiment_name={Uri.EscapeDataString(kept)}");
        Assert.Equal(kept, byName.GetProperty("experiment").GetProperty("name").GetString());
        await user.Client.SendJsonAsync(HttpMethod.Post, $"/v1/projects/{project}/datasets", new CreateDatasetRequest(kept)).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.AlreadyExists);
    }

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task What_would_not_be_seen_or_would_lead_elsewhere_is_no_name(string name)
    {
        var user = await functions.CreateUserAsync();
        var project = (await functions.CreateProjectAsync(user.Client)).Name;
        await user.Client.SendJsonAsync(HttpMethod.Post, $"/v1/projects/{project}/datasets", new CreateDatasetRequest(name)).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await user.Client.SendJsonAsync(HttpMethod.Post, $"/v1/projects/{project}/models", new CreateModelRequest(name)).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
    }

    private static async Task<T> GetAsync<T>(TestUser user, string url)
    {
        using var answer = await user.Client.GetAsync(url);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{url}: {body}");
        return JsonSerializer.Deserialize<T>(body, ContractsJson.Tolerant)!;
    }
}
