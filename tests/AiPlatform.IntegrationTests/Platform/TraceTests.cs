using System.Diagnostics;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>Traces leave the platform by OTLP, and one of them tells all that became of a request.</summary>
[Collection(PlatformCollection.Name)]
public sealed class TraceTests
{
    private const string Code =
        """
        import os
        import aiplatform_runtime as aip
        aip.set_tags({"traceparent": os.environ["TRACEPARENT"], "otel": " ".join(["none", *(name for name in os.environ if name.startswith("OTEL_"))])})
        """;

    [Fact]
    public async Task One_trace_leads_from_a_request_through_every_process_into_the_rank_of_its_job_and_back()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var platform = await RunningPlatform.StartAsync(receiver.Settings);
        var project = (await platform.Api.CreateProjectAsync(new CreateProjectRequest("traced"), CancellationToken.None)).Name;
        var request = new SubmitJobRequest(Code: new JobCode("main.py", new Dictionary<string, string>(StringComparer.Ordinal) { ["main.py"] = Code }));
        using var client = new Activity("client") { ActivityTraceFlags = ActivityTraceFlags.Recorded };
        client.SetIdFormat(ActivityIdFormat.W3C).Start();
        var job = (await platform.Api.SubmitJobAsync(project, request, CancellationToken.None)).Job;
        client.Stop();
        await Eventually.TrueAsync(
            async () => (job = await platform.Api.GetJobAsync(job.Id, CancellationToken.None)).EndedAt is not null, "the job has ended", TimeSpan.FromMinutes(4));
        Assert.True(job.Status == JobStatus.Succeeded, $"{job.Status}: {job.Reason}");

        // The exporter's address may hold a key: job code gets to know the trace and nothing else.
        var tags = (await platform.Api.GetRunAsync(job.RunId, CancellationToken.None)).Tags;
        Assert.Equal("none", tags["otel"]);
        var rank = ActivityContext.Parse(tags["traceparent"], null);
        Assert.Equal((client.TraceId, ActivityTraceFlags.Recorded), (rank.TraceId, rank.TraceFlags));

        // A span is sent when it ends: that of the orchestration is the last.
        var trace = new Trace([], rank.TraceId);
        await Eventually.TrueAsync(
            () =>
            {
                trace = new Trace(receiver.Spans, rank.TraceId);
                return Task.FromResult(trace.Of("orchestrations", "TrainingJob").Any());
            },
            "the orchestration's span has come",
            TimeSpan.FromSeconds(30));

        var there = trace.UpFrom(rank.SpanId.ToHexString());
        Assert.True(there.Count > 0, $"{tags["traceparent"]}\n{trace}");
        Assert.Equal(("runner", "job.rank"), (there[0].Service, there[0].Name));

        // The launcher holds the Functions host, and this process the launcher: what is called from here is the host's.
        Assert.Equal(["runner", "orchestrations", "functions", "functionshost"], there.Select(span => span.Service).Distinct());
        Assert.True(
            new[] { "job.node", "DispatchNodes", "TrainingJob", "outbox.deliver", "/jobs" }.All(name => there.Any(span => span.Name.Contains(name, StringComparison.Ordinal))),
            $"{string.Join('\n', there)}\n\n{trace}");
        Assert.Equal(client.SpanId.ToHexString(), there[^1].Parent);

        // What the runner said came back through the queue of events, the API and its outbox.
        var back = trace.Of("functions", "outbox.deliver").Select(span => trace.UpFrom(span.SpanId)).Where(spans => spans.Exists(span => span.Name == "job.node")).ToList();
        Assert.True(back.Count > 0, trace.ToString());
        Assert.Equal(["functions", "orchestrations", "runner"], back[0].TakeWhile(span => span.Name != "DispatchNodes").Select(span => span.Service).Distinct().Take(3));
        Assert.Contains(trace.Spans, span => span.Service == "taskhub");

        // Looking whether there is something to do is no work.
        Assert.DoesNotContain(receiver.Spans, span => span.Parent.Length == 0 && span.Name.Contains("Receive", StringComparison.Ordinal));
        Assert.DoesNotContain(receiver.Spans, span => span.Name.Contains("/health", StringComparison.Ordinal));
    }

    private sealed record Trace(IReadOnlyList<ReceivedSpan> Spans)
    {
        public Trace(IEnumerable<ReceivedSpan> spans, ActivityTraceId id)
            : this([.. spans.Where(span => span.TraceId == id.ToHexString())])
        {
        }

        public IEnumerable<ReceivedSpan> Of(string service, string name)
            => Spans.Where(span => span.Service == service && span.Name.Contains(name, StringComparison.Ordinal));

        public List<ReceivedSpan> UpFrom(string spanId)
        {
            var path = new List<ReceivedSpan>();
            while (Spans.FirstOrDefault(span => span.SpanId == spanId) is { } span && path.Count <= Spans.Count)
            {
                path.Add(span);
                spanId = span.Parent;
            }

            return path;
        }

        public override string ToString() => string.Join('\n', Spans);
    }
}
