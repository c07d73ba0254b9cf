namespace AiPlatform.ServiceBusEmulator.Entities;

/// <summary>Why an entity or rule could not be created, changed or deleted.</summary>
internal enum EntityProblem
{
    Invalid,
    NotFound,
    AlreadyExists,
    QuotaExceeded,
}

/// <summary>An administrative request that cannot be carried out.</summary>
internal sealed class EntityException(EntityProblem problem, string message) : Exception(message)
{
    internal EntityProblem Problem => problem;
}
