namespace AiPlatform.Hosting.Migrations;

/// <summary>A database refused a migration; nothing of that script was kept.</summary>
/// <param name="script">The script's name.</param>
/// <param name="inner">What the database said.</param>
public sealed class MigrationException(string script, Exception inner) : Exception($"Migration {script} failed: {inner.Message}", inner)
{
    /// <summary>The script's name.</summary>
    public string Script => script;
}
