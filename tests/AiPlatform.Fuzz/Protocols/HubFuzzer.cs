using System.Collections.Concurrent;
using AiPlatform.Fuzz.Fuzzing;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.DurableTask.Protobuf;

namespace AiPlatform.Fuzz.Protocols;

/// <summary>
/// Calls of every method of the Durable Task protocol with random messages, and workers that answer what they get at random. A call may
/// be refused with a status that says why; an unknown or internal error, a hang, or a hub that does not answer are faults.
/// </summary>
internal sealed class HubFuzzer
{
    private const int AtOnce = 4;
    private const int MaxTokens = 200;
    private const string Service = "TaskHubSidecarService";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Listening = TimeSpan.FromMilliseconds(400);
    private static readonly string[] Waiting = ["WaitForInstanceStart", "WaitForInstanceCompletion"];
    private static readonly string[] Names = ["Alpha", "Beta", "counter", "a"];

    private static readonly StatusCode[] Faults = [StatusCode.Internal, StatusCode.Unknown, StatusCode.DataLoss, StatusCode.Unavailable];

    private static readonly Marshaller<byte[]> Bytes = new(static bytes => bytes, static bytes => bytes);

    private readonly FuzzReport _report;
    private readonly CallInvoker _calls;
    private readonly Metadata _headers;
    private readonly ProtobufMaker _maker;
    private readonly AsyncLocal<bool> _isOfEntities = new();
    private readonly ConcurrentQueue<(string Instance, string Token, string Execution)> _items = new();

    /// <param name="channel">To the hub.</param>
    /// <param name="hub">A task hub that is the fuzzer's own.</param>
    /// <param name="key">What the hub demands.</param>
    public HubFuzzer(FuzzReport report, GrpcChannel channel, string hub, string key)
    {
        _report = report;
        _calls = channel.CreateCallInvoker();
        _headers = new Metadata { { "taskhub", hub }, { "authorization", $"Bearer {key}" } };
        _maker = new ProtobufMaker(Text);
    }

    private static MethodDescriptor[] Methods { get; } = [.. TaskHubSidecarService.Descriptor.Methods];

    /// <summary>Goes on until the budget is spent.</summary>
    public Task RunAsync(int seed, FuzzBudget budget) => Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async worker =>
    {
        var random = new Random(HashCode.Combine(seed, worker));
        while (budget.Take())
        {
            var method = Choose(random);
            _isOfEntities.Value = method.Name.Contains("Entity", StringComparison.Ordinal);
            var message = _maker.Make(method.InputType, random);
            if (random.Next(100) == 0)
            {
                message = new ByteMutator([]).Mutate(message, message, random);
            }

            await TryAsync(method, message);
        }
    }));

    /// <summary>Calls a method with a message that was kept.</summary>
    public Task TryAsync(string method, byte[] message) => TryAsync(Methods.Single(known => known.Name == method), message);

    /// <summary>Whether the hub still answers.</summary>
    public async Task RequireServingAsync() => await TryAsync("GetInstance", new GetInstanceRequest { InstanceId = "nobody" }.ToByteArray());

    // Work has to be started and fetched before it can be answered.
    private static MethodDescriptor Choose(Random random) => random.Next(4) switch
    {
        0 => Methods.First(static method => method.Name == "StartInstance"),
        1 when random.Next(3) == 0 => Methods.First(static method => method.Name == "GetWorkItems"),
        1 or 2 => Methods.Where(static method => method.Name.StartsWith("Complete", StringComparison.Ordinal) || method.Name.Contains("Entity", StringComparison.Ordinal)).ElementAt(random.Next(4)),
        _ => Methods[random.Next(Methods.Length)],
    };

    private string? Text(string field, Random random)
    {
        var item = _items.TryPeek(out var first) ? first : ("i1", "token", "execution");
        if (random.Next(3) == 0 && _items.TryDequeue(out var taken))
        {
            _items.Enqueue(taken);
        }

        return field switch
        {
            "instanceId" or "orchestrationInstanceId" or "targetInstanceId" or "parentInstanceId" or "instanceIdPrefix" or "instanceIdStartsWith" => random.Next(3) == 0 ? item.Item1 : _isOfEntities.Value || random.Next(6) == 0 ? $"@counter@{random.Next(3)}" : $"i{random.Next(8)}",
            "completionToken" => item.Item2,
            "executionId" => item.Item3,
            "name" or "eventName" or "operation" => Names[random.Next(Names.Length)],
            "input" or "result" or "customStatus" or "data" or "entityState" or "state" => "{\"a\":1}",
            _ => null,
        };
    }

    private async Task TryAsync(MethodDescriptor method, byte[] message)
    {
        var kind = method.IsServerStreaming ? MethodType.ServerStreaming : MethodType.Unary;
        var grpc = new Method<byte[], byte[]>(kind, Service, method.Name, Bytes, Bytes);
        var options = new CallOptions(_headers, DateTime.UtcNow + (Waiting.Contains(method.Name) ? Listening : Patience));
        try
        {
            if (method.IsServerStreaming)
            {
                await ListenAsync(grpc, options, message);
            }
            else
            {
                using var call = _calls.AsyncUnaryCall(grpc, null, options, message);
                await call.ResponseAsync;
            }

            _report.Count($"hub {method.Name} OK");
        }
        catch (RpcException exception)
        {
            var isHang = exception.StatusCode == StatusCode.DeadlineExceeded && !Waiting.Contains(method.Name);
            if (isHang || (Faults.Contains(exception.StatusCode) && IsSound(method, message)))
            {
                _report.Add(new Finding("hub", $"{method.Name} {exception.StatusCode} {exception.Status.Detail}", message, exception.ToString()));
            }
            else
            {
                _report.Count($"hub {method.Name} {exception.StatusCode}");
            }
        }
    }

    private async Task ListenAsync(Method<byte[], byte[]> method, CallOptions options, byte[] message)
    {
        using var enough = new CancellationTokenSource(Listening);
        using var call = _calls.AsyncServerStreamingCall(method, null, options.WithCancellationToken(enough.Token), message);
        try
        {
            await foreach (var answer in call.ResponseStream.ReadAllAsync(CancellationToken.None))
            {
                if (method.Name == "GetWorkItems")
                {
                    Keep(WorkItem.Parser.ParseFrom(answer));
                }
            }
        }
        catch (RpcException exception) when (exception.StatusCode == StatusCode.Cancelled || (enough.IsCancellationRequested && exception.StatusCode == StatusCode.Unavailable))
        {
            // Nothing more is to come; a read that was under way when we had enough is aborted.
        }
    }

    private void Keep(WorkItem item)
    {
        var (instance, execution) = item.RequestCase switch
        {
            WorkItem.RequestOneofCase.OrchestratorRequest => (item.OrchestratorRequest.InstanceId, item.OrchestratorRequest.ExecutionId),
            WorkItem.RequestOneofCase.ActivityRequest => (item.ActivityRequest.OrchestrationInstance?.InstanceId ?? string.Empty, string.Empty),
            WorkItem.RequestOneofCase.EntityRequest => (item.EntityRequest.InstanceId, string.Empty),
            _ => (string.Empty, string.Empty),
        };
        if (instance.Length > 0 && _items.Count < MaxTokens)
        {
            _items.Enqueue((instance, item.CompletionToken, execution ?? string.Empty));
        }
    }

    // What is no message at all may be an internal error: the framework reads it, not the hub.
    private static bool IsSound(MethodDescriptor method, byte[] message)
    {
        try
        {
            method.InputType.Parser.ParseFrom(message);
            return true;
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or InvalidOperationException)
        {
            return false; // The library says the second where a field is a tag and no more.
        }
    }
}
