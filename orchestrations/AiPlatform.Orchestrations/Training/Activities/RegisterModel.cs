using AiPlatform.Client;
using AiPlatform.Orchestrations.Platform;

namespace AiPlatform.Orchestrations.Training.Activities;

/// <summary>Registers the job's best model when the job asks for it; gives <c>name/version</c>.</summary>
public sealed class RegisterModel(AiPlatformClient api) : PlatformActivity<string, string?>
{
    /// <inheritdoc />
    protected override async Task<string?> CallAsync(string input)
        => await api.RegisterJobModelAsync(input, CancellationToken.None) is { } version ? $"{version.Name}/{version.Version}" : null;
}
