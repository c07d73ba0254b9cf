using System.Reflection;
using System.Runtime.Loader;
using AiPlatform.DurableTask;

namespace AiPlatform.TaskHub.Cli.Commands;

/// <summary>The orchestrators of an assembly, under the names that they register with.</summary>
internal static class OrchestratorAssembly
{
    /// <summary>Loads the assembly, and what it needs, from its folder.</summary>
    /// <exception cref="UsageException">It is not there, or has no orchestrator.</exception>
    public static DurableTaskRegistry Load(string path)
    {
        var file = Path.GetFullPath(path);
        if (!File.Exists(file))
        {
            throw new UsageException($"There is no assembly '{path}'.");
        }

        var resolver = new AssemblyDependencyResolver(file);
        var context = AssemblyLoadContext.Default;
        context.Resolving += (_, name) => resolver.ResolveAssemblyToPath(name) is { } found ? context.LoadFromAssemblyPath(found) : null;
        var registry = new DurableTaskRegistry();
        foreach (var type in context.LoadFromAssemblyPath(file).GetTypes().Where(type => type is { IsAbstract: false, IsGenericTypeDefinition: false } && type.IsAssignableTo(typeof(ITaskOrchestrator))))
        {
            registry.AddOrchestrator(type);
        }

        return registry.Orchestrators.Count > 0 ? registry : throw new UsageException($"'{path}' has no orchestrators.");
    }
}
