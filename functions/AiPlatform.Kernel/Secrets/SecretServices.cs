using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace AiPlatform.Kernel.Secrets;

/// <summary>
/// ASP.NET data protection for all instances: the key ring lies in PostgreSQL, encrypted with a key that is derived from
/// <c>Identity:SigningKey</c> (a Key Vault reference in the cloud). A copy of the database alone reveals no secret.
/// </summary>
public static class SecretServices
{
    /// <summary>Registers <see cref="SecretBox"/>.</summary>
    public static IServiceCollection AddSecrets(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddDataProtection().SetApplicationName("aiplatform");

        // It reads the key ring at start, when the database may not be there yet. The ring is read at its first use as well.
        foreach (var eager in services.Where(static service => service.ImplementationType?.Name == "DataProtectionHostedService").ToList())
        {
            services.Remove(eager);
        }

        services.AddSingleton(_ => new KeyRingKey(Convert.FromBase64String(configuration["Identity:SigningKey"]!)));
        services.AddSingleton<KeyRingEncryptor>().AddSingleton<KeyRingTable>();
        services.AddOptions<KeyManagementOptions>().Configure<KeyRingTable, KeyRingEncryptor>(static (options, table, encryptor) => (options.XmlRepository, options.XmlEncryptor) = (table, encryptor));
        return services.AddSingleton<SecretBox>();
    }
}
