using System.Buffers;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Postgres;
using AiPlatform.MLflow.Http;
using AiPlatform.Ports.MLflow;
using AiPlatform.Tracking.LoggedModels;
using AiPlatform.Tracking.Metrics;
using AiPlatform.Tracking.Runs;

namespace AiPlatform.MLflow.Tracking;

/// <summary>What runs log: metrics, params, tags.</summary>
internal sealed class LoggingApi(RunDirectory runs, RunWriter writer, MetricWriter metrics, LoggedModelStore models, ModelHistory history)
{
    /// <summary><c>runs/log-batch</c>.</summary>
    public async Task LogBatchAsync(HttpContext context) => await StoreAsync(context, await ReadAsync(context, LogBatch.Read));

    /// <summary><c>runs/log-metric</c>.</summary>
    public async Task LogMetricAsync(HttpContext context) => await StoreAsync(context, await ReadAsync(context, LogBatch.ReadMetric));

    /// <summary><c>runs/log-parameter</c>.</summary>
    public async Task LogParamAsync(MLflowCall call)
    {
        var run = await ActiveAsync(call);
        var key = Names.Key(call.RequiredText("key"), "param");
        var value = Names.Value(call.Text("value") ?? throw MLflowException.Required("value"), "param", key, Names.MaxParam);
        await writer.AddAsync(new RunWrite(run.Id) { Params = [new(key, value)] }, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>runs/set-tag</c>.</summary>
    public async Task SetTagAsync(MLflowCall call)
    {
        var run = await ActiveAsync(call);
        var key = Names.Key(call.RequiredText("key"), "tag");
        var value = Names.Value(call.Text("value") ?? throw MLflowException.Required("value"), "tag", key, Names.MaxTag);
        await writer.AddAsync(new RunWrite(run.Id) { Tags = [new(key, value)] }, call.Token);
        await call.EmptyAsync();
    }

    /// <summary><c>runs/log-model</c> of 2.x clients.</summary>
    public async Task LogModelAsync(MLflowCall call)
    {
        var run = await ActiveAsync(call);
        await history.AddAsync(run.Id, call.RequiredText("model_json"), call.Token);
        await call.EmptyAsync();
    }

    private async Task StoreAsync(HttpContext context, LogBatch batch)
    {
        var caller = context.Features.Get<Caller>()!;
        var run = await runs.RequireActiveAsync(batch.RunId, caller, context.RequestAborted);
        if (batch.Params.Count + batch.Tags.Count > 0)
        {
            // First what can be refused: a batch whose param is wrong stores no metric.
            await writer.AddAsync(new RunWrite(run.Id) { Params = batch.Params, Tags = batch.Tags }, context.RequestAborted);
        }

        if (batch.Metrics is { Length: > 0 } points)
        {
            await metrics.AddAsync(MetricBatch.Unnumbered(run.Id, Math.Max(1, caller.Attempt), points), context.RequestAborted);
        }

        if (batch.ModelMetrics.Count > 0)
        {
            await models.LogMetricsAsync(run, batch.ModelMetrics, context.RequestAborted);
        }

        context.Response.ContentType = "application/json";
        context.Response.ContentLength = 2;
        await context.Response.Body.WriteAsync("{}"u8.ToArray(), context.RequestAborted);
    }

    private async Task<KnownRun> ActiveAsync(MLflowCall call)
        => await runs.RequireActiveAsync(call.Text("run_id") ?? call.RequiredText("run_uuid"), call.Caller, call.Token);

    private delegate LogBatch Reader(ReadOnlySpan<byte> json);

    private static async Task<LogBatch> ReadAsync(HttpContext context, Reader read)
    {
        var body = context.Request.BodyReader;
        while (true)
        {
            var result = await body.ReadAsync(context.RequestAborted);
            if (!result.IsCompleted)
            {
                body.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                continue;
            }

            try
            {
                return result.Buffer.IsSingleSegment ? read(result.Buffer.FirstSpan) : ReadSegments(result.Buffer, read);
            }
            finally
            {
                body.AdvanceTo(result.Buffer.End);
            }
        }
    }

    private static LogBatch ReadSegments(ReadOnlySequence<byte> buffer, Reader read)
    {
        var bytes = ArrayPool<byte>.Shared.Rent((int)buffer.Length);
        try
        {
            buffer.CopyTo(bytes);
            return read(bytes.AsSpan(0, (int)buffer.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
