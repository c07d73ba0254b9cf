using AiPlatform.Kernel.Delivery;

namespace AiPlatform.IntegrationTests.Functions.Core.Delivery;

/// <summary>A row of the tests' own channels.</summary>
internal sealed record Letter : DeliveryRow
{
    public required string Text { get; init; }
}
