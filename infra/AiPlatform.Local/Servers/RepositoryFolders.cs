namespace AiPlatform.Local.Servers;

/// <summary>Finds the checkout that this program was built from.</summary>
internal static class RepositoryFolders
{
    private static readonly Lazy<string> Found = new(Find);

    /// <summary>The folder that holds AiPlatform.sln.</summary>
    public static string Root => Found.Value;

    /// <summary>The folder with Azurite's package.json.</summary>
    public static string Azurite => Path.Combine(Root, "infra", "AiPlatform.Local", "azurite");

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "AiPlatform.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"{AppContext.BaseDirectory} is not inside a checkout of AI Platform. Start the platform with infra/up.");
    }
}
