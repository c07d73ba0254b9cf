using System.Runtime.CompilerServices;
using AiPlatform.Functions;
using AiPlatform.Kernel.Texts;

namespace AiPlatform.Tests.Functions;

/// <summary>Unit tests start no app, which makes the areas' texts known.</summary>
internal static class TextsOfAreas
{
    [ModuleInitializer]
    internal static void Add()
    {
        foreach (var area in Areas.All)
        {
            TextCatalog.Add(area.GetType().Assembly);
        }
    }
}
