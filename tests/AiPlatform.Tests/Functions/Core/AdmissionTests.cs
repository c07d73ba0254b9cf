using System.IO.Pipelines;
using AiPlatform.Contracts;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace AiPlatform.Tests.Functions.Core;

public sealed class AdmissionTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Requests_beyond_the_limit_wait_and_are_served_in_the_order_in_which_they_came()
    {
        var handler = new Handler();
        using var admission = Create(handler, concurrent: 1, waiting: 10);
        var running = Enumerable.Range(0, 4).Select(number => admission.InvokeAsync(Request(number))).ToList();
        for (var number = 0; number < running.Count; number++)
        {
            await handler.StartedAsync(number + 1);
            Assert.Equal(Enumerable.Range(0, number + 1), handler.Started);
            handler.End(number);
            await running[number].WaitAsync(Limit);
        }
    }

    [Fact]
    public async Task As_many_requests_run_at_once_as_the_settings_say()
    {
        var handler = new Handler();
        using var admission = Create(handler, concurrent: 3, waiting: 10);
        var running = Enumerable.Range(0, 5).Select(number => admission.InvokeAsync(Request(number))).ToList();
        await handler.StartedAsync(3);
        Assert.Equal([0, 1, 2], handler.Started);
        handler.End(1);
        await handler.StartedAsync(4);
        Assert.Equal([0, 1, 2, 3], handler.Started);
        foreach (var number in (int[])[0, 2, 3, 4])
        {
            handler.End(number);
        }

        await Task.WhenAll(running).WaitAsync(Limit);
    }

    [Fact]
    public async Task A_request_that_finds_the_line_full_is_told_to_come_back()
    {
        var handler = new Handler();
        using var admission = Create(handler, concurrent: 1, waiting: 1);
        var served = admission.InvokeAsync(Request(0));
        var waits = admission.InvokeAsync(Request(1));
        var refused = await Assert.ThrowsAsync<ApiException>(() => admission.InvokeAsync(Request(2)));
        Assert.Equal(ErrorCodes.Unavailable, refused.Code);
        Assert.Equal(1, refused.RetryAfterSeconds);

        handler.End(0);
        handler.End(1);
        await Task.WhenAll(served, waits).WaitAsync(Limit);
        Assert.Equal([0, 1], handler.Started);
    }

    [Fact]
    public async Task Anonymous_requests_and_those_that_last_take_no_place()
    {
        var handler = new Handler();
        using var admission = Create(handler, concurrent: 1, waiting: 0);
        var streams = admission.InvokeAsync(Request(0, isLong: true));
        var anonymous = admission.InvokeAsync(Request(1, isAnonymous: true));
        var counted = admission.InvokeAsync(Request(2));
        await handler.StartedAsync(3);
        await Assert.ThrowsAsync<ApiException>(() => admission.InvokeAsync(Request(3)));
        for (var number = 0; number < 3; number++)
        {
            handler.End(number);
        }

        await Task.WhenAll(streams, anonymous, counted).WaitAsync(Limit);
    }

    [Fact]
    public async Task A_request_whose_body_is_still_coming_takes_no_place_and_its_handler_reads_all_of_it()
    {
        var body = new Pipe();
        string? read = null;
        var handler = new Handler();
        using var admission = Create(
            async context =>
            {
                if (context.Items["number"] is 0)
                {
                    using var reader = new StreamReader(context.Request.Body);
                    read = await reader.ReadToEndAsync();
                }

                await handler.RunAsync(context);
            },
            concurrent: 1,
            waiting: 0);
        var slowRequest = Request(0);
        slowRequest.Features.Set<IHttpRequestBodyDetectionFeature>(new Body());
        slowRequest.Request.Body = body.Reader.AsStream();
        var slow = admission.InvokeAsync(slowRequest);
        await body.Writer.WriteAsync("sent "u8.ToArray());

        var quick = admission.InvokeAsync(Request(1));
        Assert.Equal([1], handler.Started);
        handler.End(1);
        await quick.WaitAsync(Limit);

        await body.Writer.WriteAsync("slowly"u8.ToArray());
        await body.Writer.CompleteAsync();
        handler.End(0);
        await slow.WaitAsync(Limit);
        Assert.Equal("sent slowly", read);
    }

    [Fact]
    public async Task A_caller_who_goes_away_leaves_the_line_and_a_request_that_fails_frees_its_place()
    {
        var handler = new Handler();
        using var admission = Create(handler, concurrent: 1, waiting: 1);
        var failing = admission.InvokeAsync(Request(0));
        using var left = new CancellationTokenSource();
        var waits = admission.InvokeAsync(Request(1, aborted: left.Token));
        await left.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits.WaitAsync(Limit));

        var next = admission.InvokeAsync(Request(2));
        handler.Fail(0, new InvalidOperationException("broken"));
        await Assert.ThrowsAsync<InvalidOperationException>(() => failing.WaitAsync(Limit));
        await handler.StartedAsync(2);
        handler.End(2);
        await next.WaitAsync(Limit);
        Assert.Equal([0, 2], handler.Started);
    }

    private static Admission Create(Handler handler, int concurrent, int waiting) => Create(handler.RunAsync, concurrent, waiting);

    private static Admission Create(RequestDelegate next, int concurrent, int waiting)
        => new(next, Options.Create(new AdmissionOptions { Concurrent = concurrent, Waiting = waiting }));

    private static DefaultHttpContext Request(int number, bool isLong = false, bool isAnonymous = false, CancellationToken aborted = default)
    {
        var context = new DefaultHttpContext { RequestAborted = aborted };
        context.Items[nameof(number)] = number;
        if (!isAnonymous)
        {
            context.Features.Set(new Caller("u", "user", CallerRole.Member));
        }

        context.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(isLong ? [LongRequest.Instance] : []), "test"));
        return context;
    }

    private sealed class Body : IHttpRequestBodyDetectionFeature
    {
        public bool CanHaveBody => true;
    }

    /// <summary>A handler whose requests end when the test says so.</summary>
    private sealed class Handler
    {
        private readonly Lock _gate = new();
        private readonly List<int> _started = [];
        private readonly TaskCompletionSource[] _ends = [.. Enumerable.Range(0, 8).Select(_ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))];
        private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IReadOnlyList<int> Started
        {
            get
            {
                lock (_gate)
                {
                    return [.. _started];
                }
            }
        }

        public Task RunAsync(HttpContext context)
        {
            var number = (int)context.Items["number"]!;
            lock (_gate)
            {
                _started.Add(number);
                _changed.SetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return _ends[number].Task;
        }

        public async Task StartedAsync(int count)
        {
            while (true)
            {
                Task changed;
                lock (_gate)
                {
                    if (_started.Count >= count)
                    {
                        return;
                    }

                    changed = _changed.Task;
                }

                await changed.WaitAsync(Limit);
            }
        }

        public void End(int number) => _ends[number].SetResult();

        public void Fail(int number, Exception exception) => _ends[number].SetException(exception);
    }
}
