using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;

namespace AiPlatform.Kernel.Secrets;

/// <summary>Decrypts what <see cref="KeyRingEncryptor"/> made; data protection makes one by its type's name.</summary>
public sealed class KeyRingDecryptor(IServiceProvider services) : IXmlDecryptor
{
    /// <inheritdoc />
    public XElement Decrypt(XElement encryptedElement)
        => XElement.Parse(Encoding.UTF8.GetString(services.GetRequiredService<KeyRingKey>().Decrypt(Convert.FromBase64String(encryptedElement.Value))));
}
