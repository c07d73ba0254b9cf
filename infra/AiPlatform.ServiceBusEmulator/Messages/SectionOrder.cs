using Amqp;
using Amqp.Framing;

namespace AiPlatform.ServiceBusEmulator.Messages;

/// <summary>The sections of a message in the order in which they come.</summary>
internal enum SectionOrder
{
    None,
    Header,
    DeliveryAnnotations,
    MessageAnnotations,
    Properties,
    ApplicationProperties,
    Data,
    Sequence,
    Value,
    Footer,
}

/// <summary>Checks the order of sections.</summary>
internal static class SectionOrders
{
    /// <summary>The section's place, when it may follow another one.</summary>
    /// <exception cref="InvalidMessageException">It may not.</exception>
    internal static SectionOrder Follows(this object? section, SectionOrder last)
    {
        var order = section switch
        {
            Header => SectionOrder.Header,
            DeliveryAnnotations => SectionOrder.DeliveryAnnotations,
            MessageAnnotations => SectionOrder.MessageAnnotations,
            Properties => SectionOrder.Properties,
            ApplicationProperties => SectionOrder.ApplicationProperties,
            Data => SectionOrder.Data,
            AmqpSequence => SectionOrder.Sequence,
            AmqpValue => SectionOrder.Value,
            Footer => SectionOrder.Footer,
            _ => throw new InvalidMessageException(ErrorCode.DecodeError, "The message has a section that AMQP does not know."),
        };

        // A body is one value, or one or more of data, or one or more sequences.
        var repeats = order == last && order is SectionOrder.Data or SectionOrder.Sequence;
        var isSecondBody = last is SectionOrder.Data or SectionOrder.Sequence && order is SectionOrder.Sequence or SectionOrder.Value && !repeats;
        return (order > last || repeats) && !isSecondBody
            ? order
            : throw new InvalidMessageException(ErrorCode.DecodeError, $"The section {order} cannot follow {last}.");
    }
}
