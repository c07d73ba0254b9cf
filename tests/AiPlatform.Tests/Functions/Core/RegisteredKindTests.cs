using System.Reflection;
using AiPlatform.Functions;
using AiPlatform.Kernel.Errors;
using AiPlatform.Ports.Data;
using AiPlatform.Ports.Operations;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>What areas register for others to loop over.</summary>
[Trait("Area", "All")]
public sealed class RegisteredKindTests
{
    private static readonly ServiceCollection Services = Registered();

    [Fact]
    public void Every_kind_of_the_lineage_graph_that_is_the_platforms_own_is_registered_once()
    {
        var known = typeof(LineageEnd).GetFields(BindingFlags.Public | BindingFlags.Static).Where(static field => field.IsLiteral)
            .Select(static field => (string)field.GetRawConstantValue()!).Where(static kind => !kind.StartsWith("external", StringComparison.Ordinal));
        Assert.Equal(known.Order(StringComparer.Ordinal), Instances<LineageKind>().Select(static kind => kind.Kind).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Whatever_keeps_a_dataset_is_called_by_a_word_of_each_language()
    {
        var uses = Instances<DatasetUse>().ToList();
        Assert.Equal(["model", "job", "run"], uses.OrderBy(static use => use.Rank).Select(static use => use.Kind));
        Assert.All(uses, static use =>
        {
            var words = new[] { ErrorCatalog.Message($"word.{use.Kind}", chinese: false), ErrorCatalog.Message($"word.{use.Kind}", chinese: true) };
            Assert.DoesNotContain($"word.{use.Kind}", words);
            Assert.NotEqual(words[0], words[1]);
        });
    }

    private static IEnumerable<T> Instances<T>() => Services.Select(static service => service.ImplementationInstance).OfType<T>();

    private static ServiceCollection Registered()
    {
        var services = new ServiceCollection();
        foreach (var area in Areas.All)
        {
            area.AddServices(services, new ConfigurationBuilder().Build());
        }

        return services;
    }
}
