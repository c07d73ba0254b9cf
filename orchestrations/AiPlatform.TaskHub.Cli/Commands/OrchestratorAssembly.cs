using System.Reflection;
using System.Runtime.Loader;
using Microsoft.DurableTask;

namespace AiPlatform.TaskHub.Cli.Commands;

/// <summary>The orchestrators of an assembly.</summary>
internal static class OrchestratorAssembly
{
    /// <summary>Loads the assembly, and what it needs, from its folder.</summary>
    /// <exception cref="UsageException">It is not there, or has no orchestrator.</exception>
    public static List<Type> Load(string path)
    {
        var file = Path.GetFullPath(path);
        if (!File.Exists(file))
        {
            throw new UsageException($"There is no assembly '{path}'.");
        }

        var resolver = new AssemblyDependencyResolver(file);
        var context = AssemblyLoadContext.Default;
        context.Resolving += (_, name) => resolver.ResolveAssemblyToPath(name) is { } found ? context.LoadFromAssemblyPath(found) : null;
        var types = context.LoadFromAssemblyPath(file).GetTypes()
            .Where(static type => type is { IsAbstract: false, IsGenericTypeDefinition: false } && type.IsAssignableTo(typeof(ITaskOrchestrator)))
            .ToList();
        return types.Count > 0 ? types : throw new UsageException($"'{path}' has no orchestrators.");
    }
}
