namespace AiPlatform.Tests;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its root: the folder of the solution.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "AiPlatform.sln")))
        {
            root = Path.GetDirectoryName(root)!;
        }

        return root;
    }
}
