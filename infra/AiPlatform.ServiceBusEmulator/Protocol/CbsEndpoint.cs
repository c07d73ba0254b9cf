using Amqp;
using Amqp.Framing;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>The <c>$cbs</c> node: clients put tokens here, and get rights to the entities that the tokens are for.</summary>
internal sealed class CbsEndpoint(ConnectionState state, SasValidator validator, TimeProvider time, ILogger logger) : RequestEndpoint(state, logger)
{
    private const string SasToken = "servicebus.windows.net:sastoken";

    protected override string StatusKey => "status-code";

    protected override string DescriptionKey => "status-description";

    protected override Task<Reply> HandleAsync(Message request) => Task.FromResult(PutToken(request));

    private Reply PutToken(Message request)
    {
        var properties = request.ApplicationProperties?.Map;
        if (properties?["operation"] as string != "put-token")
        {
            return new Reply(501, "Only put-token is known here.", ErrorCode.NotImplemented);
        }

        if (properties["type"] as string != SasToken)
        {
            return new Reply(401, $"Only tokens of type {SasToken} are accepted.", ErrorCode.UnauthorizedAccess);
        }

        var path = SasValidator.PathOf(properties["name"] as string ?? string.Empty);
        if (request.Body is not string token || validator.Validate(token, time.GetUtcNow()) is not { } grant || !Covers(grant.ResourcePath, path))
        {
            return new Reply(401, "InvalidSignature: the token is malformed, forged, expired, or for another resource.", ErrorCode.UnauthorizedAccess);
        }

        State.Grant(path, grant.ExpiresOn);
        return new Reply(202, "Accepted");
    }

    private static bool Covers(string granted, string path)
        => granted.Length == 0 || path == granted || path.StartsWith(granted + "/", StringComparison.Ordinal);
}
