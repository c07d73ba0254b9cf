using AiPlatform.DataFiles.Engine;
using Microsoft.Extensions.Options;

namespace AiPlatform.Data.Datasets.Preview;

/// <summary>Registers the engine that looks into data files.</summary>
internal static class DataEngineServices
{
    /// <summary>Adds the engine; it starts with the first question.</summary>
    public static IServiceCollection AddDataEngine(this IServiceCollection services)
    {
        services.AddOptions<DataEngineOptions>().BindConfiguration(DataEngineOptions.Section);
        return services.AddSingleton(static provider => new DataEngine(
            provider.GetRequiredService<IOptions<DataEngineOptions>>().Value, provider.GetRequiredService<TimeProvider>()));
    }
}
