using System.Text;
using Amqp;
using Amqp.Framing;
using Amqp.Sasl;
using Amqp.Types;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>A mechanism that lets everybody in; rights come from tokens put to <c>$cbs</c>.</summary>
internal sealed class OpenSaslProfile(string mechanism, ConnectionCounter connections) : SaslProfile(mechanism)
{
    protected override ITransport UpgradeTransport(ITransport transport) => new GuardedTransport((IAsyncTransport)transport, isTrusted: false, connections);

    protected override DescribedList GetStartCommand(string hostname) => throw new NotSupportedException();

    protected override DescribedList OnCommand(DescribedList command)
        => command is SaslInit ? new SaslOutcome { Code = SaslCode.Ok } : throw new AmqpException(ErrorCode.NotAllowed, "Expected sasl-init.");
}

/// <summary>PLAIN with the policy's name and key; such a connection needs no tokens.</summary>
internal sealed class PlainSaslProfile(SasValidator validator, ConnectionCounter connections) : SaslProfile("PLAIN")
{
    // Reached only after the right answer: the negotiation fails on any other code.
    protected override ITransport UpgradeTransport(ITransport transport) => new GuardedTransport((IAsyncTransport)transport, isTrusted: true, connections);

    protected override DescribedList GetStartCommand(string hostname) => throw new NotSupportedException();

    protected override DescribedList OnCommand(DescribedList command)
    {
        if (command is not SaslInit init)
        {
            throw new AmqpException(ErrorCode.NotAllowed, "Expected sasl-init.");
        }

        var parts = Encoding.UTF8.GetString(init.InitialResponse ?? []).Split('\0');
        var isKnown = parts.Length == 3 && validator.IsKey(parts[1], parts[2]);
        return new SaslOutcome { Code = isKnown ? SaslCode.Ok : SaslCode.Auth };
    }
}
