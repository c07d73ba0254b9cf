using System.Xml.Linq;
using AiPlatform.Kernel.Postgres;
using Dapper;
using Microsoft.AspNetCore.DataProtection.Repositories;

namespace AiPlatform.Kernel.Secrets;

/// <summary>The key ring in PostgreSQL. Data protection reads it once a day and writes it every ninety; its interface knows no asynchronous calls.</summary>
public sealed class KeyRingTable(Database database, TimeProvider time) : IXmlRepository
{
    /// <inheritdoc />
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        using var connection = database.Source.OpenConnection();
        return [.. connection.Query<string>("SELECT xml FROM data_protection_keys ORDER BY created_at, name").Select(static xml => XElement.Parse(xml))];
    }

    /// <inheritdoc />
    public void StoreElement(XElement element, string friendlyName)
    {
        using var connection = database.Source.OpenConnection();
        connection.Execute(
            "INSERT INTO data_protection_keys (name, xml, created_at) VALUES (@friendlyName, @xml, @now) ON CONFLICT (name) DO UPDATE SET xml = excluded.xml",
            new { friendlyName, xml = element.ToString(SaveOptions.DisableFormatting), now = time.GetUtcNow() });
    }
}
