using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Hosting;

// A function app like any: it knows nothing of the platform, nor of the host that runs it. With SAMPLE_CONVERSE it takes no HTTP by itself:
// requests come to it in the conversation with the host.
if (Environment.GetEnvironmentVariable("SAMPLE_CONVERSE") is not null)
{
    await new HostBuilder().ConfigureFunctionsWorkerDefaults().Build().RunAsync();
    return;
}

var builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
builder.Services.Configure<KestrelServerOptions>(static kestrel => kestrel.Limits.MaxRequestBodySize = 200_000_000);
await builder.Build().RunAsync();
