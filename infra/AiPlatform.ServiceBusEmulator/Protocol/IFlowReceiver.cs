using Amqp.Framing;

namespace AiPlatform.ServiceBusEmulator.Protocol;

/// <summary>A link on which the broker sends, and which is told by each flow of its client how far it may.</summary>
internal interface IFlowReceiver
{
    /// <summary>The client said how much it takes. Called on the connection's own thread, in order; must not throw.</summary>
    void OnFlow(Flow flow);

    /// <summary>The connection ends: nothing more is sent on the link.</summary>
    void Stop();
}
