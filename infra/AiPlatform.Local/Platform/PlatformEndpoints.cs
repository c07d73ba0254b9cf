namespace AiPlatform.Local.Platform;

/// <summary>What <c>endpoints.json</c> says: how tools and SDKs reach every part.</summary>
/// <param name="Api">The HTTP API's base address.</param>
/// <param name="FunctionsHost">The same API through the embedded Functions host, as on Azure.</param>
/// <param name="TaskHub">The Durable Task connection string.</param>
/// <param name="ServiceBus">The Service Bus connection string.</param>
/// <param name="ServiceBusAdministration">The connection string for administration clients, over TLS as most of them insist.</param>
/// <param name="ServiceBusCertificate">The file with the certificate that they are to trust.</param>
/// <param name="Blob">The Azure Storage connection string.</param>
/// <param name="Postgres">The database's connection string.</param>
/// <param name="PostgresDataDirectory">Where PostgreSQL keeps its files.</param>
/// <param name="Redis">The Redis connection string.</param>
/// <param name="MetricsToken">The bearer token of every process's <c>/metrics</c>.</param>
/// <param name="Administrator">The first administrator.</param>
/// <param name="Processes">Process id by name.</param>
/// <param name="Dashboard">The link that logs a browser in to the dashboard of traces; null where there is none.</param>
internal sealed record PlatformEndpoints(
    string Api, string FunctionsHost, string TaskHub, string ServiceBus, string ServiceBusAdministration, string ServiceBusCertificate, string Blob, string Postgres, string PostgresDataDirectory,
    string Redis, string MetricsToken,
    AdministratorAccount Administrator, IReadOnlyDictionary<string, int> Processes, string? Dashboard = null);

/// <summary>The first administrator's account.</summary>
internal sealed record AdministratorAccount(string UserName, string Password);
