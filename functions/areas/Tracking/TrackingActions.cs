using AiPlatform.Kernel.Access;

namespace AiPlatform.Tracking;

/// <summary>What can be done with experiments, runs and what runs log.</summary>
internal static class TrackingActions
{
    public static readonly AccessAction ReadArtifact = new("tracking.artifact", Verbs.Read);
    public static readonly AccessAction LogArtifact = new("tracking.artifact", Verbs.Log);

    public static readonly AccessAction ReadExperiment = new("tracking.experiment", Verbs.Read);
    public static readonly AccessAction WriteExperiment = new("tracking.experiment", Verbs.Write);
    public static readonly AccessAction DeleteExperiment = new("tracking.experiment", Verbs.Delete);

    public static readonly AccessAction ReadLoggedModel = new("tracking.loggedModel", Verbs.Read);
    public static readonly AccessAction ListLoggedModels = new("tracking.loggedModel", Verbs.List);
    public static readonly AccessAction DeleteLoggedModel = new("tracking.loggedModel", Verbs.Delete);
    public static readonly AccessAction LogLoggedModel = new("tracking.loggedModel", Verbs.Log);

    public static readonly AccessAction ReadMedia = new("tracking.media", Verbs.Read);
    public static readonly AccessAction LogMedia = new("tracking.media", Verbs.Log);

    public static readonly AccessAction ReadNote = new("tracking.note", Verbs.Read);
    public static readonly AccessAction WriteNote = new("tracking.note", Verbs.Write);

    public static readonly AccessAction ReadRun = new("tracking.run", Verbs.Read);
    public static readonly AccessAction ListRuns = new("tracking.run", Verbs.List);
    public static readonly AccessAction WriteRun = new("tracking.run", Verbs.Write);
    public static readonly AccessAction DeleteRun = new("tracking.run", Verbs.Delete);
    public static readonly AccessAction LogRun = new("tracking.run", Verbs.Log);

    public static readonly AccessAction ReadView = new("tracking.view", Verbs.Read);
    public static readonly AccessAction WriteView = new("tracking.view", Verbs.Write);
    public static readonly AccessAction DeleteView = new("tracking.view", Verbs.Delete);
}
