using System.Text.Json;
using AiPlatform.Contracts;

namespace AiPlatform.Client;

/// <summary>A login that outlives its command, in a file that only its owner can read.</summary>
/// <param name="Url">Address of the platform.</param>
/// <param name="Token">A personal access token.</param>
public sealed record KeptLogin(string Url, string Token)
{
    /// <summary>What <c>aip login</c> left: <c>aip/config.json</c> in the user's configuration folder; <c>AIP_CONFIG</c> names another file.</summary>
    public static string DefaultFile => Environment.GetEnvironmentVariable("AIP_CONFIG")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "aip", "config.json");

    /// <summary>The file's name in the same folder for a platform on this machine.</summary>
    public const string LocalFileName = "local.json";

    /// <summary>What the platform that runs on this machine for this user left, as long as it runs.</summary>
    public static string LocalFile => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(DefaultFile))!, LocalFileName);

    /// <summary>Both, the newer first: what somebody did last, a login or a start, is what they mean.</summary>
    public static IReadOnlyList<KeptLogin> ReadAll()
        => [.. new[] { DefaultFile, LocalFile }.Where(File.Exists).OrderByDescending(File.GetLastWriteTimeUtc).Select(Read).OfType<KeptLogin>()];

    /// <summary>Reads one; null when there is no file.</summary>
    public static KeptLogin? Read(string file) => File.Exists(file) ? JsonSerializer.Deserialize<KeptLogin>(File.ReadAllText(file), ContractsJson.Tolerant) : null;

    /// <summary>Whether this is a login at that address.</summary>
    public bool IsFor(string url) => string.Equals(url.TrimEnd('/'), Url.TrimEnd('/'), StringComparison.OrdinalIgnoreCase);

    /// <summary>Writes it.</summary>
    public void Write(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var stream = new FileStream(file, options);
        JsonSerializer.Serialize(stream, this, ContractsJson.Strict);
    }
}
