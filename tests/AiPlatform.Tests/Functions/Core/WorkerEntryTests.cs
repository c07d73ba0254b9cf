using AiPlatform.Functions.Worker;
using AiPlatform.Kernel.Http;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>How a function hands over to the app, and that nothing that goes wrong there leaves it: a host would make an empty success of it.</summary>
public sealed class WorkerEntryTests
{
    private readonly AppPipeline _pipeline = new();
    private readonly ServiceProvider _app = new ServiceCollection().AddScoped<Marker>().BuildServiceProvider();
    private readonly DefaultHttpContext _context = new() { RequestServices = new ServiceCollection().BuildServiceProvider() };

    [Fact]
    public async Task The_app_routes_anew_and_with_its_own_services()
    {
        var worker = _context.RequestServices;
        _context.SetEndpoint(new Endpoint(null, null, "the worker's"));
        _context.Request.RouteValues["rest"] = "of the worker's route";
        Marker? seen = null;
        _pipeline.Capture(context =>
        {
            Assert.Null(context.GetEndpoint());
            Assert.Empty(context.Request.RouteValues);
            seen = context.RequestServices.GetService<Marker>();
            return Task.CompletedTask;
        });

        await Entry().ServeAsync(_context.Request);

        Assert.NotNull(seen);
        Assert.Same(worker, _context.RequestServices);
    }

    [Fact]
    public async Task A_request_that_comes_while_the_app_starts_waits_for_it()
    {
        var served = Entry().ServeAsync(_context.Request);
        Assert.False(served.IsCompleted);
        _pipeline.Capture(static context =>
        {
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            return Task.CompletedTask;
        });
        await served.WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(StatusCodes.Status202Accepted, _context.Response.StatusCode);
    }

    [Fact]
    public async Task A_failure_is_a_500_and_nothing_of_the_answer_that_was_begun_stays()
    {
        _pipeline.Capture(static context =>
        {
            context.Response.Headers.ETag = "\"1\"";
            throw new InvalidDataException("boom");
        });
        await Entry().ServeAsync(_context.Request);
        Assert.Equal(StatusCodes.Status500InternalServerError, _context.Response.StatusCode);
        Assert.Empty(_context.Response.Headers);
    }

    [Fact]
    public async Task A_failure_after_the_answer_has_begun_breaks_it_off()
    {
        var lifetime = new Lifetime();
        _context.Features.Set<IHttpRequestLifetimeFeature>(lifetime);
        _context.Features.Set<IHttpResponseFeature>(new Begun());
        _pipeline.Capture(static _ => throw new InvalidDataException("boom"));
        await Entry().ServeAsync(_context.Request);
        Assert.True(lifetime.IsAborted);
    }

    [Fact]
    public async Task A_caller_that_goes_away_is_no_failure()
    {
        _context.RequestAborted = new CancellationToken(canceled: true);
        await Entry().ServeAsync(_context.Request);
        Assert.Equal(StatusCodes.Status200OK, _context.Response.StatusCode);
    }

    private WorkerEntry Entry() => new(
        _pipeline, new TickRunner([], NullLogger<TickRunner>.Instance), _app.GetRequiredService<IServiceScopeFactory>(), NullLogger<WorkerEntry>.Instance);

    private sealed class Marker;

    private sealed class Begun : HttpResponseFeature
    {
        public override bool HasStarted => true;
    }

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        public bool IsAborted { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => IsAborted = true;
    }
}
