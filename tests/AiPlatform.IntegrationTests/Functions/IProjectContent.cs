namespace AiPlatform.IntegrationTests.Functions;

/// <summary>
/// What a feature keeps for a project. The test of purged projects adds it to one and expects its rows to go with it; a class with a constructor
/// without parameters, beside the tests of the feature, is found by itself.
/// </summary>
public interface IProjectContent
{
    /// <summary>Adds at least one row to each table of the feature that has <c>project_id</c>.</summary>
    Task AddAsync(HttpClient client, string project);
}
