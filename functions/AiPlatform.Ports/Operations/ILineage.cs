using AiPlatform.Kernel.Postgres;

namespace AiPlatform.Ports.Operations;

/// <summary>
/// Writes provenance in the transaction that makes it true. What tables say by themselves (uploads, runs' inputs and outputs, registered
/// models, imports) is written by triggers of migrations 0110 and 0112; this is for what only code knows, such as what a version was derived from.
/// </summary>
public interface ILineage
{
    /// <summary>Records what came from what; repeating it changes nothing.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="projectId">The project of all ends.</param>
    /// <param name="steps">The steps.</param>
    /// <param name="at">When they became true; now when absent.</param>
    Task AddAsync(UnitOfWork work, string projectId, IReadOnlyList<LineageStep> steps, DateTimeOffset? at = null);

    /// <summary>Things outside of the platform in the order of their names; new ones are noted.</summary>
    /// <param name="work">The transaction.</param>
    /// <param name="projectId">The project that names them.</param>
    /// <param name="kind">One of the external kinds of <see cref="LineageEnd"/>.</param>
    /// <param name="names">Their names: OpenLineage's conventions, such as <c>https://host</c> and <c>/path</c>.</param>
    Task<IReadOnlyList<LineageEnd>> ExternalAsync(UnitOfWork work, string projectId, string kind, IReadOnlyList<ExternalName> names);
}

/// <summary>One step of provenance.</summary>
/// <param name="Source">What was there before.</param>
/// <param name="Target">What came from it.</param>
/// <param name="Relation"><c>input</c>, <c>produced</c>, <c>imported</c>, …</param>
public readonly record struct LineageStep(LineageEnd Source, LineageEnd Target, string Relation);

/// <summary>What names a thing outside of the platform.</summary>
/// <param name="Namespace">Where it is, such as <c>postgres://host:5432</c>.</param>
/// <param name="Name">What it is called there.</param>
/// <param name="Version">A digest or version where that is part of the name; of a run its id.</param>
public readonly record struct ExternalName(string Namespace, string Name, string Version = "");
