using System.Globalization;
using System.Text;
using System.Text.Json;
using AiPlatform.Client;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Datasets;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;
using AiPlatform.Contracts.Quality;
using AiPlatform.DataFiles.Quality;
using AiPlatform.IntegrationTests.Functions.Clients;
using AiPlatform.IntegrationTests.Orchestrations;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Operations.Lineage;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.IntegrationTests.Functions.Data.Quality;

/// <summary>Quality reports through the real API, storage, task hub and worker.</summary>
[Collection(DataCollection.Name)]
public sealed class QualityReportTests(OrchestrationsFixture platform) : IClassFixture<OrchestrationsFixture>
{
    [Fact]
    public async Task A_version_is_reported_compared_with_the_one_before_and_blocked_by_its_plan()
    {
        var project = await ProjectAsync();
        await platform.Api.CreateDatasetAsync(project, new CreateDatasetRequest("people"), CancellationToken.None);
        await platform.Api.SetQualityPlanAsync(
            project,
            "people",
            new QualityPlanText("""
                label: segment
                expectations:
                  - type: expect_column_values_to_be_between
                    severity: critical
                    kwargs: {column: age, min_value: 0, max_value: 150}
                rules:
                  - {metric: images.corrupt, max: 0}
                """),
            CancellationToken.None);
        var first = await UploadAsync(project, "people", ("people.csv", People(0, 500, 30)), ("img/a.png", "no image"));
        var report = await WaitAsync(await platform.Api.CreateQualityReportAsync(project, "people", first, new CreateQualityReportRequest(), CancellationToken.None));
        Assert.Equal((QualityReportStatus.Succeeded, 1d, (bool?)false, (bool?)false), (report.Status, report.Progress, report.Passed, report.Blocked));
        var document = await DocumentAsync(report);
        Assert.Equal(("people", 1, 500L, 2L), (document.Dataset, document.Version, document.Tables.Single().Rows, document.Files));
        Assert.Equal(1, document.Images!.Corrupt);
        Assert.Equal("segment", document.Classes.Single().Source);
        Assert.Contains(document.Findings, static finding => finding is { Code: "pii", Subject: "email" });

        var second = await UploadAsync(project, "people", ("people.csv", People(500, 400, 400)));
        var next = await WaitAsync(await platform.Api.CreateQualityReportAsync(project, "people", second, new CreateQualityReportRequest(), CancellationToken.None));
        Assert.Equal((QualityReportStatus.Succeeded, (bool?)true, (int?)1), (next.Status, next.Blocked, next.BaselineVersion));
        var compared = await DocumentAsync(next);
        Assert.Contains(compared.Drift.Single().Columns, static column => column is { Column: "age", HasDrifted: true, PValue: < 0.01 });
        var quality = await platform.Api.GetVersionQualityAsync(project, "people", second, CancellationToken.None);
        Assert.Equal((next.Id, false), (quality.Latest!.Id, quality.Usable));
        var refused = await Assert.ThrowsAsync<ApiException>(() => SubmitAsync(project, "people", second));
        Assert.Equal(ErrorCodes.DatasetBlocked, refused.Code);
        await LineageTellsAsync((await SubmitAsync(project, "people", first)).Job.RunId!, document);
    }

    [Fact]
    public async Task A_version_without_anything_to_look_into_and_one_with_broken_files_have_reports_too()
    {
        var project = await ProjectAsync();
        await platform.Api.CreateDatasetAsync(project, new CreateDatasetRequest("odd"), CancellationToken.None);
        var version = await UploadAsync(project, "odd", ("model.bin", "weights"));
        var report = await WaitAsync(await platform.Api.CreateQualityReportAsync(project, "odd", version, new CreateQualityReportRequest(), CancellationToken.None));
        Assert.Equal((QualityReportStatus.Succeeded, (double?)0, (bool?)false), (report.Status, report.Score, report.Passed));

        var broken = await UploadAsync(project, "odd", ("a.parquet", "PAR1 and no more of it"), ("b.csv", "x,y\n1,\"open\n2,3\n"), ("c.jsonl", "{}\n"), ("notes.txt", "the cat is on the mat\nand it is there\n"));
        var other = await WaitAsync(await platform.Api.CreateQualityReportAsync(project, "odd", broken, new CreateQualityReportRequest(), CancellationToken.None));
        var document = await DocumentAsync(other);
        Assert.Equal(QualityReportStatus.Succeeded, other.Status);
        Assert.Contains(document.UnreadableFiles, static issue => issue is { File: "a.parquet", Code: "truncated" });
        Assert.Contains(document.Tables, static table => table.Name == "b.csv" && table.Issues.Any(static issue => issue is { Line: 2, Code: "csv_quote" }));
        Assert.Contains(document.Tables, static table => table is { Name: "notes.txt", Rows: 2 });
    }

    [Fact]
    public async Task A_report_can_be_cancelled_and_made_again()
    {
        var project = await ProjectAsync();
        await platform.Api.CreateDatasetAsync(project, new CreateDatasetRequest("again"), CancellationToken.None);
        var version = await UploadAsync(project, "again", ("people.csv", People(0, 20_000, 30)));
        var submission = await platform.Api.CreateQualityReportAsync(project, "again", version, new CreateQualityReportRequest(), CancellationToken.None);
        var cancelled = await platform.Api.CancelQualityReportAsync(submission.Report.Id, CancellationToken.None);
        Assert.Equal(QualityReportStatus.Cancelled, cancelled.Status);
        Assert.Equal(cancelled, await platform.Api.CancelQualityReportAsync(submission.Report.Id, CancellationToken.None));
        var report = await WaitAsync(await platform.Api.CreateQualityReportAsync(project, "again", version, new CreateQualityReportRequest(), CancellationToken.None));
        Assert.Equal(QualityReportStatus.Succeeded, report.Status);
        Assert.Equal(QualityReportStatus.Cancelled, (await platform.Api.GetQualityReportAsync(submission.Report.Id, CancellationToken.None)).Status);
    }

    [Fact]
    public async Task A_table_that_is_stored_in_chunks_is_previewed_and_reported_from_the_command_line()
    {
        using var aip = new AipCommandLine();
        var project = await ProjectAsync();
        await AipCommandLine.LoginAsync(platform.Functions.Address, OrchestrationsFixture.AdministratorName, project);
        await platform.Api.CreateDatasetAsync(project, new CreateDatasetRequest("large"), CancellationToken.None);
        const int rows = 250_000;
        var text = People(0, rows, 30);
        Assert.True(text.Length > 2 * ContentChunker.Threshold);
        await UploadAsync(project, "large", ("people.csv", text));

        // The second version shares all chunks but a few with the first.
        var version = await UploadAsync(project, "large", ("people.csv", text.Replace("user125000@", "user125000.changed@", StringComparison.Ordinal)));
        Assert.InRange((await platform.Api.GetDatasetVersionAsync(project, "large", version, CancellationToken.None)).StoredSize, 1, text.Length / 2);
        var preview = await AipCommandLine.RunAsync("dataset", "preview", "large", $"{version}", "--filter", "id == 125000", "--rows", "5");
        Assert.Contains("people.csv", preview, StringComparison.Ordinal);
        Assert.Contains("user125000.changed@example.com", preview, StringComparison.Ordinal);
        Assert.DoesNotContain("user125001@", preview, StringComparison.Ordinal);

        var page = Path.Combine(Path.GetDirectoryName(aip.ConfigFile)!, "report.html");
        Assert.Contains("Score", await AipCommandLine.RunAsync("dataset", "report", "large", $"{version}", "--html", page), StringComparison.Ordinal);
        Assert.Contains("large", await File.ReadAllTextAsync(page), StringComparison.Ordinal);
        var latest = (await platform.Api.GetVersionQualityAsync(project, "large", version, CancellationToken.None)).Latest!;
        Assert.Equal(rows, (await DocumentAsync(latest)).Tables.Single().Rows);
        Assert.Contains("404", await AipCommandLine.FailAsync("dataset", "preview", "large", "99"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_line_ends_with_the_verdict_of_a_report()
    {
        using var aip = new AipCommandLine();
        var project = await ProjectAsync();
        await AipCommandLine.LoginAsync(platform.Functions.Address, OrchestrationsFixture.AdministratorName, project);
        await platform.Api.CreateDatasetAsync(project, new CreateDatasetRequest("people"), CancellationToken.None);
        await platform.Api.SetQualityPlanAsync(
            project,
            "people",
            new QualityPlanText("""
                expectations:
                  - type: expect_column_values_to_be_between
                    kwargs: {column: age, min_value: 0, max_value: 150}
                  - type: expect_column_values_to_be_between
                    severity: critical
                    kwargs: {column: age, min_value: 0, max_value: 1000}
                """),
            CancellationToken.None);
        foreach (var (age, code, sentence) in new[] { (30, 0, "everything"), (400, 2, "not everything"), (4_000, 3, "blocked") })
        {
            var version = await UploadAsync(project, "people", ("people.csv", People(0, 100, age)));
            var shown = await AipCommandLine.RunApartAsync(["dataset", "report", "people", $"{version}"]);
            Assert.True(shown.Code == code, $"{shown.Code} at {age}: {shown.Output}{shown.Errors}");
            Assert.Contains(sentence, shown.Output, StringComparison.Ordinal);

            // Nothing but the document.
            var json = await AipCommandLine.RunApartAsync(["dataset", "report", "people", $"{version}", "--json"]);
            Assert.Equal(code, json.Code);
            using var document = JsonDocument.Parse(json.Output);
            Assert.Equal(code == 3, document.RootElement.GetProperty("blocked").GetBoolean());
        }
    }

    // What receivers of the run's events learn about its input.
    private async Task LineageTellsAsync(string runId, QualityDocument document)
    {
        var sent = await platform.Functions.Services.GetRequiredService<OpenLineageDocument>().BuildAsync(runId, "START", DateTimeOffset.UtcNow, CancellationToken.None);
        using var json = JsonDocument.Parse(sent!);
        var input = json.RootElement.GetProperty("inputs").EnumerateArray().Single();
        Assert.Equal(
            document.Tables.Single().Columns.Select(static column => (column.Name, column.Declared)),
            input.GetProperty("facets").GetProperty("schema").GetProperty("fields").EnumerateArray().Select(static field => (field.GetProperty("name").GetString()!, field.GetProperty("type").GetString()!)));
        var metrics = input.GetProperty("inputFacets").GetProperty("dataQualityMetrics");
        Assert.Equal(500, metrics.GetProperty("rowCount").GetInt64());
        var age = metrics.GetProperty("columnMetrics").GetProperty("age");
        Assert.Equal((0, 40, 30d, 69d), (age.GetProperty("nullCount").GetInt32(), age.GetProperty("distinctCount").GetInt32(), age.GetProperty("min").GetDouble(), age.GetProperty("max").GetDouble()));
        var assertion = input.GetProperty("inputFacets").GetProperty("dataQualityAssertions").GetProperty("assertions").EnumerateArray().Single();
        Assert.Equal(
            ("expect_column_values_to_be_between", true, "age"),
            (assertion.GetProperty("assertion").GetString(), assertion.GetProperty("success").GetBoolean(), assertion.GetProperty("column").GetString()));
    }

    private static string People(int from, int count, int age)
    {
        var text = new StringBuilder("id,age,segment,email\n");
        for (var i = from; i < from + count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"{i},{age + (i % 40)},{(i % 5 == 0 ? "gold" : "basic")},user{i}@example.com\n");
        }

        return text.ToString();
    }

    private async Task<string> ProjectAsync()
        => (await platform.Api.CreateProjectAsync(new CreateProjectRequest($"quality-{Guid.NewGuid():N}"), CancellationToken.None)).Id;

    private async Task<int> UploadAsync(string project, string dataset, params (string Path, string Content)[] files)
    {
        var folder = Directory.CreateTempSubdirectory("aip-quality-").FullName;
        try
        {
            foreach (var (path, content) in files)
            {
                var file = Path.Combine(folder, path);
                Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                await File.WriteAllTextAsync(file, content);
            }

            return (await platform.Api.UploadDatasetVersionAsync(project, dataset, folder, null, CancellationToken.None)).Version;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<JobSubmission> SubmitAsync(string project, string dataset, int version) => await platform.Api.SubmitJobAsync(
        project,
        new SubmitJobRequest(
            Code: new JobCode("main.py", new Dictionary<string, string>(StringComparer.Ordinal) { ["main.py"] = "print(1)\n" }), Datasets: [new JobDataset(dataset, version)]),
        CancellationToken.None);

    private async Task<QualityReport> WaitAsync(QualityReportSubmission submission)
    {
        var report = submission.Report;
        await Eventually.TrueAsync(
            async () => (report = await platform.Api.GetQualityReportAsync(report.Id, CancellationToken.None)).Status is not (QualityReportStatus.Pending or QualityReportStatus.Running),
            $"report {report.Id} ends",
            TimeSpan.FromSeconds(40));
        Assert.True(report.Status != QualityReportStatus.Failed, report.Reason);
        return report;
    }

    private async Task<QualityDocument> DocumentAsync(QualityReport report)
        => (await platform.Api.GetQualityDocumentAsync(report.Id, CancellationToken.None)).Deserialize<QualityDocument>(ContractsJson.Tolerant)!;
}
