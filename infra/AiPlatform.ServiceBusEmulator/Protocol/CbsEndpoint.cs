using Amqp;
using Amqp.Framing;
using Amqp.Transactions;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>The <c>$cbs</c> node: clients put tokens here, and get rights to the entities that the tokens are for.</summary>
internal sealed class CbsEndpoint(ConnectionState state, TokenValidator tokens, ILogger logger) : RequestEndpoint(state, logger)
{
    protected override string StatusKey => "status-code";

    protected override string DescriptionKey => "status-description";

    protected override async Task<Reply> HandleAsync(Message request, TransactionalState? transactional)
    {
        var properties = request.ApplicationProperties?.Map;
        if (properties?["operation"] as string != "put-token")
        {
            return new Reply(501, "Only put-token is known here.", ErrorCode.NotImplemented);
        }

        var path = SasValidator.PathOf(properties["name"] as string ?? string.Empty);
        if (request.Body is not string token || await tokens.ValidateAsync(properties["type"] as string, token) is not { } grant || !grant.Covers(path))
        {
            return new Reply(401, "InvalidSignature: the token is malformed, forged, expired, of an unknown type, or for another resource.", ErrorCode.UnauthorizedAccess);
        }

        State.Grant(path, grant.ExpiresOn, grant.Rights);
        return new Reply(202, "Accepted");
    }
}
