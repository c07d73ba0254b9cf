using Microsoft.Extensions.Options;

namespace AiPlatform.ServiceBusEmulator.Configuration;

/// <summary>A broker whose file of entities cannot be read does not start: it would wait for ever for a file that nobody knows it waits for.</summary>
internal sealed class ConfigFileValidation : IValidateOptions<ServiceBusOptions>
{
    public ValidateOptionsResult Validate(string? name, ServiceBusOptions options)
    {
        try
        {
            ConfiguredEntities.Read(options);
            return ValidateOptionsResult.Success;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or FormatException)
        {
            return ValidateOptionsResult.Fail($"ServiceBus:ConfigFile cannot be read: {exception.Message}");
        }
    }
}
