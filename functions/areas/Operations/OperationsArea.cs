using AiPlatform.Kernel;
using AiPlatform.Operations.Deliveries;
using AiPlatform.Operations.DurableStatus;
using AiPlatform.Operations.Events;
using AiPlatform.Operations.Garbage;
using AiPlatform.Operations.Lineage;
using AiPlatform.Operations.Tasks;

namespace AiPlatform.Operations;

/// <summary>What goes across all areas: long operations, lineage, garbage, live events, orchestrations.</summary>
public sealed class OperationsArea : IArea
{
    /// <inheritdoc />
    public void AddServices(IServiceCollection services, IConfiguration configuration) => services.AddLineage().AddTasks().AddEvents().AddDurableStatus().AddGarbage()
        .AddSingleton<LineageNames>().AddSingleton<LineageTraversal>();

    /// <inheritdoc />
    public void MapEndpoints(IEndpointRouteBuilder routes)
    {
        routes.MapLineageEndpoints();
        routes.MapTaskEndpoints();
        routes.MapDurableStatusEndpoints();
        routes.MapEventEndpoints();
        routes.MapGarbageEndpoints();
        routes.MapDeliveryEndpoints();
    }
}
