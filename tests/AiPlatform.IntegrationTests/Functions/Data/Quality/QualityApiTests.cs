using System.Net;
using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Quality;
using AiPlatform.Contracts.Tasks;
using AiPlatform.DataFiles.Expectations;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Profiles;
using AiPlatform.DataFiles.Quality;
using AiPlatform.IntegrationTests.Functions;
using AiPlatform.IntegrationTests.Functions.Data;
using AiPlatform.IntegrationTests.Servers;

namespace AiPlatform.IntegrationTests.Functions.Data.Quality;

/// <summary>Previews, comparisons, and the life of reports in the API; the orchestration's part is played by the test.</summary>
[Collection(DataCollection.Name)]
public sealed class QualityApiTests(FunctionsFixture functions) : IClassFixture<FunctionsFixture>
{
    private const string People = "id,name,age,city\n1,Ann,30,Paris\n2,Bob,41,\n3,Cy,,Rome\n4,Dee,18,Paris\n";

    [Fact]
    public async Task Rows_are_previewed_first_random_and_filtered()
    {
        var world = await WorldAsync(("people.csv", People), ("more/lines.jsonl", "{\"a\":1}\n{\"a\":2}\n"), ("readme.bin", "x"));
        var first = await world.Client.GetAsync<DatasetPreview>($"{world.Version}/preview?file=people.csv&rows=2");
        Assert.Equal(["id", "name", "age", "city"], first.Columns.Select(static column => column.Name));
        Assert.Equal(["1", "2"], first.Rows.Select(static row => $"{row.Values[0]}"));
        Assert.False(first.IsComplete);
        var random = await world.Client.GetAsync<DatasetPreview>($"{world.Version}/preview?file=people.csv&mode=random&rows=3&seed=5");
        Assert.Equal((3, (long?)4), (random.Rows.Count, random.TotalRows));
        var filtered = await world.Client.GetAsync<DatasetPreview>($"{world.Version}/preview?file=people.csv&filter={Uri.EscapeDataString("age > 20 and city is not null")}");
        Assert.Equal("Ann", $"{Assert.Single(filtered.Rows).Values[1]}");
        var lines = await world.Client.GetAsync<DatasetPreview>($"{world.Version}/preview");
        Assert.Equal(("more/lines.jsonl", "integer"), (lines.File, lines.Columns[0].Kind));
        var table = await world.Client.GetAsync<TableProfile>($"{world.Version}/statistics?file=people.csv");
        Assert.Equal((4L, 1L, ColumnType.Integer), (table.Rows, table.Columns[2].Missing, table.Columns[2].Type));
        Assert.Equal(ColumnType.Integer, (await world.Client.GetAsync<TableProfile>($"{world.Version}/schema?file=people.csv")).Columns[0].Type);
    }

    [Fact]
    public async Task What_a_preview_guesses_it_says_and_the_caller_or_the_plan_tells_otherwise()
    {
        var world = await WorldAsync(("t.csv", "1;01/02/2024\n2;03/04/2024\n"));
        var guessed = await world.Client.GetAsync<DatasetPreview>($"{world.Version}/preview");
        Assert.True(guessed.Dialect is { Encoding: "utf-8", EncodingConfidence: 1, Delimiter: ";", Header: false }, $"{guessed.Dialect}");
        Assert.Equal(("column2", null, 0d), guessed.Dialect!.Dates.Select(static date => (date.Column, date.Order, date.Confidence)).Single());
        var told = await world.Client.GetAsync<DatasetPreview>($"{world.Version}/preview?header=true&dateOrder=dayFirst&delimiter=%3B&encoding=gbk");
        Assert.Equal(["1", "01/02/2024"], told.Columns.Select(static column => column.Name));
        Assert.Equal(("gb18030", 1d, 1d), (told.Dialect!.Encoding, told.Dialect.EncodingConfidence, told.Dialect.HeaderConfidence));
        var schema = await world.Client.GetAsync<TableProfile>($"{world.Version}/schema?dateOrder=monthFirst");
        Assert.Equal("2024-01-02", schema.Columns[1].Time?.First);
        foreach (var (query, field) in new[] { ("encoding=klingon", "encoding"), ("delimiter=ab", "delimiter"), ("quote=x", "quote"), ("skippedLines=-1", "skippedLines"), ("dateOrder=yearFirst", "dateOrder") })
        {
            var problem = await world.Client.GetAsync($"{world.Version}/preview?{query}").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
            Assert.Contains(field, problem.Errors!.Keys);
        }

        var dataset = world.Version[..world.Version.IndexOf("/versions", StringComparison.Ordinal)];
        await world.Client.SendJsonAsync(HttpMethod.Put, $"{dataset}/quality-plan", new QualityPlanText("reading: {skippedLines: 1, header: true}"));
        var planned = await world.Client.GetAsync<DatasetPreview>($"{world.Version}/preview");
        Assert.Equal((1, "2"), (planned.Dialect!.SkippedLines, planned.Columns[0].Name));
        Assert.Equal("1", (await world.Client.GetAsync<DatasetPreview>($"{world.Version}/preview?skippedLines=0")).Columns[0].Name);
    }

    [Fact]
    public async Task What_cannot_be_previewed_is_refused_in_the_callers_language()
    {
        var world = await WorldAsync(("people.csv", People), ("cut.parquet", "PAR1 cut off somewhere"), ("empty.csv", "\n"), ("x.bin", "x"));
        var bad = await world.Client.GetAsync($"{world.Version}/preview?file=people.csv&filter={Uri.EscapeDataString("age >")}").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Contains("6", bad.Detail, StringComparison.Ordinal);
        var cut = await world.Client.GetAsync($"{world.Version}/preview?file=cut.parquet").ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.DataUnreadable);
        Assert.Equal("The file is truncated.", cut.Detail);
        await world.Client.GetAsync($"{world.Version}/statistics?file=empty.csv").ProblemAsync(HttpStatusCode.UnprocessableEntity, ErrorCodes.DataUnreadable);
        await world.Client.GetAsync($"{world.Version}/preview?file=x.bin").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await world.Client.GetAsync($"{world.Version}/preview?file=none.csv").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await world.Client.GetAsync($"{world.Version}/preview?rows=0").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await world.Client.GetAsync($"{world.Version}/preview?mode=last").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        var chinese = await world.Client.SendJsonAsync(HttpMethod.Get, $"{world.Version}/preview?file=cut.parquet", null, ("Accept-Language", "zh-CN"));
        Assert.Contains("文件被截断", await chinese.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var stranger = await functions.CreateUserAsync();
        await stranger.Client.GetAsync($"{world.Version}/preview").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task Images_are_shown_as_a_grid_with_urls()
    {
        var world = await WorldAsync(("a/1.gif", "GIF89a\u0002\0\u0003\0"), ("b/2.png", "no image"), ("people.csv", People));
        var grid = await world.Client.GetAsync<ImageGrid>($"{world.Version}/images?mode=random&seed=1&count=5");
        Assert.Equal((2, 2L), (grid.Images.Count, grid.Total));
        Assert.All(grid.Images, static image => Assert.NotNull(image.Problem));
        Assert.Equal("no image", await Blobs.ReadAsync(grid.Images.Single(static image => image.Path == "b/2.png").Url));
    }

    [Fact]
    public async Task Versions_are_compared_by_schema_and_by_rows()
    {
        var world = await WorldAsync(("people.csv", People));
        var next = await world.CommitAsync(("people.csv", "id,name,age,email\n1,Ann,31,a@example.com\n2,Bob,41,b@example.com\n5,Eve,22,e@example.com\n4,Dee,18,d@example.com\n"));
        var schema = await world.Client.GetAsync<List<SchemaChange>>($"{next}/diff/schema?from=1");
        Assert.Equal([("city", "removed"), ("email", "added")], schema.Select(static change => (change.Column, change.Change)));
        var rows = await world.Client.GetAsync<RowDiff>($"{next}/diff/rows?from=1&key=id");
        Assert.Equal((1L, 1L, 1L, 2L), (rows.Added, rows.Removed, rows.Changed, rows.Unchanged));
        Assert.Equal("age", rows.ChangedRows.Single().Cells.Single().Column);
        await world.Client.GetAsync($"{next}/diff/rows?from=1&key=city").ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await world.Client.GetAsync($"{next}/diff/rows?from=9&key=id").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
    }

    [Fact]
    public async Task Without_a_file_the_first_table_that_both_versions_have_is_compared()
    {
        var world = await WorldAsync(("people.csv", People));
        var next = await world.CommitAsync(("cities.csv", "city\nRome\n"), ("people.csv", People));
        var rows = await world.Client.GetAsync<RowDiff>($"{next}/diff/rows?from=1&key=id");
        Assert.Equal((0L, 0L, 0L, 4L), (rows.Added, rows.Removed, rows.Changed, rows.Unchanged));
        Assert.Empty(await world.Client.GetAsync<List<SchemaChange>>($"{next}/diff/schema?from=1"));

        // Named, or with nothing in common, each is what it is.
        Assert.NotEmpty(await world.Client.GetAsync<List<SchemaChange>>($"{next}/diff/schema?from=1&file=cities.csv&fromFile=people.csv"));
        var other = await world.CommitAsync(("towns.csv", "town\nPisa\n"));
        Assert.Contains("town", (await world.Client.GetAsync<List<SchemaChange>>($"{other}/diff/schema?from=1")).Select(static change => change.Column));
    }

    [Theory]
    [InlineData("application/yaml")]
    [InlineData("text/yaml; charset=utf-8")]
    [InlineData("application/x-yaml")]
    public async Task A_plan_is_taken_as_the_yaml_that_its_author_wrote(string type)
    {
        var world = await WorldAsync(("people.csv", People));
        var path = $"/v1/projects/{world.Project}/datasets/set/quality-plan";
        Task<HttpResponseMessage> SendAsync(HttpMethod method, string to, byte[] body)
        {
            var request = new HttpRequestMessage(method, to) { Content = new ByteArrayContent(body) };
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            return world.Client.SendAsync(request);
        }

        var kept = await (await SendAsync(HttpMethod.Put, path, "label: city # 城市\n"u8.ToArray())).ReadAsync<QualityPlanText>();
        Assert.Equal(("label: city # 城市\n", null), (kept.Plan, kept.Problems));
        Assert.Equal(kept.Plan, (await world.Client.GetAsync<QualityPlanText>(path)).Plan);
        var problem = await SendAsync(HttpMethod.Put, path, "rules: [{metric: beauty, min: 1}]"u8.ToArray()).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Contains("rules[0].metric", problem.Detail, StringComparison.Ordinal);
        await SendAsync(HttpMethod.Put, path, [(byte)'a', 0xff]).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await SendAsync(HttpMethod.Put, path, []).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await SendAsync(HttpMethod.Put, path, [.. Enumerable.Repeat((byte)'#', 300_000)]).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        var report = (await (await SendAsync(HttpMethod.Post, $"{world.Version}/quality-reports", "label: age\n"u8.ToArray())).ReadAsync<QualityReportSubmission>()).Report;
        Assert.Equal("label: age\n", (await functions.Service().PostAsync<QualityWork>($"/v1/quality-reports/{report.Id}/begin", new { })).Plan);
    }

    [Fact]
    public async Task A_plan_in_another_media_type_is_refused()
    {
        var world = await WorldAsync(("people.csv", People));
        using var content = new StringContent("label: city", System.Text.Encoding.UTF8, "text/plain");
        await world.Client.PutAsync($"/v1/projects/{world.Project}/datasets/set/quality-plan", content).ProblemAsync(HttpStatusCode.UnsupportedMediaType, ErrorCodes.UnsupportedMediaType);
    }

    [Fact]
    public async Task What_is_wrong_with_a_filter_or_a_plan_is_said_in_chinese()
    {
        var world = await WorldAsync(("people.csv", People));
        async Task<string> DetailAsync(HttpMethod method, string path, object? body)
            => (await world.Client.SendJsonAsync(method, path, body, ("Accept-Language", "zh-CN")).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest)).Detail!;
        Assert.Equal("第 1 个字符处：没有名为“nobody”的列。", await DetailAsync(HttpMethod.Get, $"{world.Version}/preview?file=people.csv&filter={Uri.EscapeDataString("nobody > 1")}", null));
        Assert.Equal("$.rules：不是列表。", await DetailAsync(HttpMethod.Put, $"/v1/projects/{world.Project}/datasets/set/quality-plan", new QualityPlanText("rules: nothing")));
    }

    [Fact]
    public async Task A_plan_is_checked_kept_and_taken_by_reports()
    {
        var world = await WorldAsync(("people.csv", People));
        var path = $"/v1/projects/{world.Project}/datasets/set/quality-plan";
        Assert.Empty((await world.Client.GetAsync<QualityPlanText>(path)).Plan);
        var problem = await world.Client.SendJsonAsync(HttpMethod.Put, path, new QualityPlanText("rules: [{metric: beauty, min: 1}]")).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        Assert.Contains("rules[0].metric", problem.Detail, StringComparison.Ordinal);
        var unknown = await (await world.Client.SendJsonAsync(HttpMethod.Put, path, new QualityPlanText("expectations: [{type: expect_nothing, kwargs: {column: a}}]"))).ReadAsync<QualityPlanText>();
        Assert.Equal(["expect_nothing: this expectation is not known"], unknown.Problems);
        Assert.Null((await (await world.Client.SendJsonAsync(HttpMethod.Put, path, new QualityPlanText("label: city"))).ReadAsync<QualityPlanText>()).Problems);
        Assert.Equal("label: city", (await world.Client.GetAsync<QualityPlanText>(path)).Plan);
        var report = (await world.Client.PostAsync<QualityReportSubmission>($"{world.Version}/quality-reports", new CreateQualityReportRequest())).Report;
        var service = functions.Service();
        Assert.Equal("label: city", (await service.PostAsync<QualityWork>($"/v1/quality-reports/{report.Id}/begin", new { })).Plan);
        await world.Client.PostJsonAsync($"{world.Version}/quality-reports", new CreateQualityReportRequest()).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.InUse);
        await world.Client.PostJsonAsync($"{world.Version}/quality-reports", new CreateQualityReportRequest("a: [")).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await world.Client.PostJsonAsync($"{world.Version}/quality-reports", new CreateQualityReportRequest(BaselineVersion: 7)).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        await world.Client.PostJsonAsync($"/v1/quality-reports/{report.Id}/begin", new { }).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        await world.Client.GetAsync($"/v1/quality-reports/{report.Id}/document").ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
        var failed = await service.PostJsonAsync($"/v1/quality-reports/{report.Id}/fail", new FailQualityReportRequest("the storage is gone"));
        Assert.Equal(HttpStatusCode.NoContent, failed.StatusCode);
        var ended = await world.Client.GetAsync<QualityReport>($"/v1/quality-reports/{report.Id}");
        Assert.Equal((QualityReportStatus.Failed, "the storage is gone"), (ended.Status, ended.Reason));
        var task = await world.Client.GetAsync<PlatformTask>($"/v1/tasks/{report.Id}");
        Assert.Equal(("qualityReport", TaskState.Failed, "set@1"), (task.Kind, task.State, task.Name));
        Assert.Contains((await world.Client.GetAsync<Page<PlatformTask>>($"/v1/tasks?project={world.Project}")).Items, item => item.Id == report.Id);
        Assert.Equal(report.Id, Assert.Single((await world.Client.GetAsync<Page<QualityReport>>($"{world.Version}/quality-reports")).Items).Id);
    }

    [Fact]
    public async Task A_blocked_version_is_refused_to_jobs_until_an_administrator_takes_the_responsibility()
    {
        var world = await WorldAsync(("people.csv", People));
        var unknown = await world.Client.GetAsync<VersionQuality>($"{world.Version}/quality");
        Assert.Equal((null, true), (unknown.Latest, unknown.Usable));
        var report = await world.ReportAsync(blocked: true);
        var jobs = $"/v1/projects/{world.Project}/jobs";
        var job = new SubmitJobRequest(Recipe: "image-classifier", Datasets: [new JobDataset("set", 1)]);
        var problem = await world.Client.PostJsonAsync(jobs, job).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.DatasetBlocked);
        Assert.Contains("set@1", problem.Detail, StringComparison.Ordinal);
        await world.Client.PostJsonAsync($"{world.Version}/quality/override", new OverrideQualityRequest("I want to")).ProblemAsync(HttpStatusCode.Forbidden, ErrorCodes.Forbidden);
        var administrator = await functions.AdministratorAsync();
        await administrator.Client.PostJsonAsync($"{world.Version}/quality/override", new OverrideQualityRequest("")).ProblemAsync(HttpStatusCode.BadRequest, ErrorCodes.InvalidRequest);
        var quality = await administrator.Client.PostAsync<VersionQuality>($"{world.Version}/quality/override", new OverrideQualityRequest("checked by hand"));
        Assert.Equal((true, "checked by hand", FunctionsFixture.AdministratorName), (quality.Usable, quality.Override!.Reason, quality.Override.By));
        await administrator.Client.PostJsonAsync($"{world.Version}/quality/override", new OverrideQualityRequest("again")).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
        await world.Client.PostAsync<JobSubmission>(jobs, job);

        // The decision was about that report: a new one that blocks needs a new decision.
        var next = await world.ReportAsync(blocked: true);
        Assert.NotEqual(report, next);
        await world.Client.PostJsonAsync(jobs, job).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.DatasetBlocked);
        await world.ReportAsync(blocked: false);
        await world.Client.PostAsync<JobSubmission>(jobs, job);
    }

    [Fact]
    public async Task A_finished_report_is_read_as_json_and_as_a_page_in_the_callers_language()
    {
        var world = await WorldAsync(("people.csv", People));
        var id = await world.ReportAsync(blocked: false);
        var document = await world.Client.GetAsync<QualityDocument>($"/v1/quality-reports/{id}/document");
        Assert.Equal(("set", 4L), (document.Dataset, document.Tables.Single().Rows));
        foreach (var (language, title) in ((string, string)[])[("en", "Quality report"), ("zh-CN", "质量报告")])
        {
            var page = await world.Client.SendJsonAsync(HttpMethod.Get, $"/v1/quality-reports/{id}/html", null, ("Accept-Language", language));
            Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
            Assert.Contains("sandbox", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            Assert.Contains(title, await page.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        var stranger = await functions.CreateUserAsync();
        await stranger.Client.GetAsync($"/v1/quality-reports/{id}/html").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
        await world.Client.PostJsonAsync($"/v1/quality-reports/{id}/cancel", new { }).ProblemAsync(HttpStatusCode.Conflict, ErrorCodes.IllegalTransition);
    }

    private async Task<World> WorldAsync(params (string Path, string Content)[] files)
    {
        var user = await functions.CreateUserAsync();
        var project = await functions.CreateProjectAsync(user.Client);
        await user.Client.PostAsync<Dataset>($"/v1/projects/{project.Id}/datasets", new CreateDatasetRequest("set"));
        var world = new World(functions, user.Client, project.Id);
        await world.CommitAsync(files);
        return world;
    }

    private sealed class World(FunctionsFixture functions, HttpClient client, string project)
    {
        public HttpClient Client { get; } = client;

        public string Project { get; } = project;

        public string Version => $"/v1/projects/{Project}/datasets/set/versions/1";

        public async Task<string> CommitAsync(params (string Path, string Content)[] files)
        {
            var versions = $"/v1/projects/{Project}/datasets/set/versions";
            var draft = await Client.PostAsync<DatasetVersionDraft>(versions, new CreateDatasetVersionRequest([.. files.Select(static file => Blobs.File(file.Path, file.Content))]));
            foreach (var upload in draft.Uploads)
            {
                await Blobs.UploadAsync(upload.Url, upload.Headers, files.Single(file => file.Path == upload.Path).Content);
            }

            await Client.PostAsync<DatasetVersion>($"{versions}/{draft.Version.Version}/commit", new { });
            return $"{versions}/{draft.Version.Version}";
        }

        /// <summary>Does what the orchestration does.</summary>
        public async Task<string> ReportAsync(bool blocked)
        {
            var report = (await Client.PostAsync<QualityReportSubmission>($"{Version}/quality-reports", new CreateQualityReportRequest())).Report.Id;
            var service = functions.Service();
            var work = await service.PostAsync<QualityWork>($"/v1/quality-reports/{report}/begin", new { });
            Assert.True((await service.PostAsync<QualityProgressResponse>($"/v1/quality-reports/{report}/progress", new QualityProgressRequest(0.5))).Continue);
            Assert.Equal(0.5, (await Client.GetAsync<QualityReport>($"/v1/quality-reports/{report}")).Progress);
            var table = await Client.GetAsync<TableProfile>($"{Version}/statistics");
            var part = QualityPart.Empty with { Tables = [table] };
            await service.SendJsonAsync(HttpMethod.Put, $"/v1/quality-reports/{report}/parts/0", part);
            var read = await service.GetAsync<QualityPart>($"/v1/quality-reports/{report}/parts/0");
            var subject = new QualitySubject("set", 1, DateTimeOffset.UnixEpoch, work.FileCount, work.TotalSize, 0, null);
            var document = QualityAssembler.Assemble(subject, [read], QualityPlan.Empty, null);
            for (var repeat = 0; repeat < 2; repeat++)
            {
                var completed = await service.PostJsonAsync(
                    $"/v1/quality-reports/{report}/complete",
                    new CompleteQualityReportRequest(document.Score, !blocked, blocked, JsonSerializer.SerializeToElement(document, ContractsJson.Strict), JsonSerializer.SerializeToElement(read.Sketches, ContractsJson.Strict)));
                Assert.True(completed.StatusCode == HttpStatusCode.NoContent, await completed.Content.ReadAsStringAsync());
            }

            await service.GetAsync($"/v1/quality-reports/{report}/parts/0").ProblemAsync(HttpStatusCode.NotFound, ErrorCodes.NotFound);
            Assert.False((await service.PostAsync<QualityProgressResponse>($"/v1/quality-reports/{report}/progress", new QualityProgressRequest(0.9))).Continue);
            return report;
        }
    }
}
