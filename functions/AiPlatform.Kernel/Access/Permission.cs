namespace AiPlatform.Kernel.Access;

/// <summary>What a route does, in terms of who may call it. Which project a caller reaches is a question of its own (<see cref="ProjectAccess"/>).</summary>
public enum Permission
{
    /// <summary>Anybody, without a token: logging in, health, documentation.</summary>
    Anonymous,

    /// <summary>People, about their own account.</summary>
    Account,

    /// <summary>Administrators, about the platform and its accounts.</summary>
    Administer,

    /// <summary>People and the orchestrations service: reading in projects that they reach.</summary>
    Read,

    /// <summary>People and the orchestrations service: changing things in projects that they reach.</summary>
    Write,

    /// <summary>As <see cref="Read"/>, a job about its own run, and runners.</summary>
    ReadRun,

    /// <summary>As <see cref="Write"/>, a job to its own run, and runners, which bring what jobs left in their spools.</summary>
    WriteRun,

    /// <summary>The orchestrations service: moving jobs along.</summary>
    Orchestrate,

    /// <summary>Runners: registering, claiming and reporting.</summary>
    Execute,

    /// <summary>Workers of task queues: the orchestrations service and runners.</summary>
    ExecuteTasks,
}
