namespace AiPlatform.Hosting;

/// <summary>A process cannot work without a setting that nobody has given.</summary>
/// <param name="setting">Its name, <c>Section:Key</c>.</param>
public sealed class MissingSettingException(string setting) : InvalidOperationException($"{setting} is missing.");
