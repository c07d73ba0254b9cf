using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace AiPlatform.Fuzz.Protocols;

/// <summary>Messages of a protobuf type with random fields, and now and then something that the type does not allow.</summary>
/// <param name="texts">A text for a field of a name; null for any.</param>
internal sealed class ProtobufMaker(Func<string, Random, string?> texts)
{
    private const int MaxDepth = 7;

    private static readonly string[] Texts = ["", "a", "\0", "中文😀", "{}", "[1,2]", "null", "\"x\"", "{\"a\":", "@counter@1", "@a@", "@", "1.0", new string('y', 5_000), "0001-01-01", "%", "'"];
    private static readonly long[] Numbers = [0, 0, 1, 1, 2, 3, -1, 10, int.MaxValue, int.MinValue, long.MaxValue, long.MinValue];

    /// <summary>A message's bytes.</summary>
    public byte[] Make(MessageDescriptor type, Random random) => Make(type, MaxDepth, random);

    private byte[] Make(MessageDescriptor type, int depth, Random random)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            if (type.File.Name == "google/protobuf/timestamp.proto" || type.File.Name == "google/protobuf/duration.proto")
            {
                WriteTime(output, type.Name == "Duration" ? 0 : DateTimeOffset.UtcNow.ToUnixTimeSeconds(), random);
                output.Flush();
                return bytes.ToArray();
            }

            var chosen = type.Oneofs.Where(static one => !one.IsSynthetic).Select(one => one.Fields[random.Next(one.Fields.Count)]).ToHashSet();
            foreach (var field in type.Fields.InDeclarationOrder())
            {
                var isChosen = field.RealContainingOneof is null ? random.Next(10) < 6 : chosen.Contains(field) || random.Next(40) == 0;
                if (!isChosen || (depth == 0 && field.FieldType == FieldType.Message))
                {
                    continue;
                }

                for (var times = field.IsRepeated ? random.Next(20) == 0 ? 100 : random.Next(0, 4) : 1; times > 0; times--)
                {
                    Write(output, field, depth, random);
                }
            }

            if (random.Next(60) == 0)
            {
                output.WriteTag(random.Next(1, 400), WireFormat.WireType.Varint);
                output.WriteUInt64((ulong)random.NextInt64());
            }
        }

        return bytes.ToArray();
    }

    private static void WriteTime(CodedOutputStream output, long near, Random random)
    {
        output.WriteTag(1, WireFormat.WireType.Varint);
        output.WriteInt64(random.Next(3) > 0 ? near + random.Next(-100, 2) : Numbers[random.Next(Numbers.Length)]);
        if (random.Next(3) == 0)
        {
            output.WriteTag(2, WireFormat.WireType.Varint);
            output.WriteInt64(random.Next(3) > 0 ? random.Next(999_999_999) : Numbers[random.Next(Numbers.Length)]);
        }
    }

    private void Write(CodedOutputStream output, FieldDescriptor field, int depth, Random random)
    {
        switch (field.FieldType)
        {
            case FieldType.Message:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(Make(field.MessageType, depth - 1, random)));
                break;
            case FieldType.String or FieldType.Bytes:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(random.Next(1_500) == 0 ? ByteString.CopyFrom(0xFF, 0xFE) : ByteString.CopyFromUtf8((random.Next(8) > 0 ? texts(field.JsonName, random) : null) ?? Texts[random.Next(Texts.Length)]));
                break;
            case FieldType.Double or FieldType.Fixed64 or FieldType.SFixed64:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed64);
                output.WriteFixed64((ulong)Numbers[random.Next(Numbers.Length)]);
                break;
            case FieldType.Float or FieldType.Fixed32 or FieldType.SFixed32:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed32);
                output.WriteFixed32((uint)Numbers[random.Next(Numbers.Length)]);
                break;
            case FieldType.Bool:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteBool(random.Next(2) == 0);
                break;
            case FieldType.Enum:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteInt64(random.Next(10) == 0 ? Numbers[random.Next(Numbers.Length)] : random.Next(field.EnumType.Values.Count));
                break;
            default:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteInt64(random.Next(4) > 0 ? random.Next(0, 6) : Numbers[random.Next(Numbers.Length)]);
                break;
        }
    }
}
