namespace AiPlatform.Hosting.Processes;

/// <summary>Looks for programs.</summary>
public static class ExecutableSearch
{
    /// <summary>The full path of a program on <c>PATH</c>, or null.</summary>
    public static string? Find(string name)
        => (Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin")
            .Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);
}
