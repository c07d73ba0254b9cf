namespace AiPlatform.Kernel.Access;

/// <summary>Who calls.</summary>
public enum CallerRole
{
    /// <summary>A person with projects of their own.</summary>
    Member,

    /// <summary>A person who reaches everything.</summary>
    Administrator,

    /// <summary>The orchestrations service.</summary>
    Service,

    /// <summary>A GPU runner.</summary>
    Runner,

    /// <summary>The code of one attempt of one job.</summary>
    Job,
}
