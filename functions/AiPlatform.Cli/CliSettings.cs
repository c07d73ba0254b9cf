using System.Text.Json;
using AiPlatform.Contracts;

namespace AiPlatform.Cli;

/// <summary>What a login leaves for the next commands: <c>aip/config.json</c> in the user's configuration folder, readable by the user only.</summary>
/// <param name="Url">Address of the platform.</param>
/// <param name="Token">A personal access token.</param>
internal sealed record CliSettings(string? Url = null, string? Token = null)
{
    /// <summary>Where they are; <c>AIP_CONFIG</c> names another file.</summary>
    public static string DefaultFile => Environment.GetEnvironmentVariable("AIP_CONFIG")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "aip", "config.json");

    /// <summary>Reads them; none when there is no file.</summary>
    public static CliSettings Read(string file)
        => File.Exists(file) ? JsonSerializer.Deserialize<CliSettings>(File.ReadAllText(file), ContractsJson.Tolerant) ?? new CliSettings() : new CliSettings();

    /// <summary>Writes them.</summary>
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
