using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Identity;

/// <summary>Projects that the caller has been let into.</summary>
public interface IProjects
{
    /// <summary>Makes those that add to a project take turns: whoever else locks it waits until the transaction ends. References to it do not.</summary>
    Task LockAsync(UnitOfWork work, string projectId);

    /// <summary>What a project is called.</summary>
    Task<string> NameAsync(UnitOfWork work, string projectId);
}
