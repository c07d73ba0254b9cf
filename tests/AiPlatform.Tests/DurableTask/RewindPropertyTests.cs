using System.Globalization;
using AiPlatform.TaskHub.Cli.Replay;
using AiPlatform.TaskHub.Engine;
using CsCheck;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Converters;
using Official = Microsoft.DurableTask.Protobuf;
using P = AiPlatform.TaskHub.Protobuf;

namespace AiPlatform.Tests.DurableTask;

/// <summary>
/// Random orchestrations of activities that fail some times, with and without retries, one after the other and at once: however often
/// they fail, rewinding them as often brings them to their result, and what has worked is not done again.
/// </summary>
public sealed class RewindPropertyTests
{
    private static readonly Gen<Work[]> Programs = Gen.Select(Gen.Int[1, 3], Gen.Int[0, 5], Gen.Bool, (attempts, failures, joins) => new Work(attempts, failures, joins)).Array[1, 6];

    /// <summary>One activity.</summary>
    /// <param name="Attempts">How often its policy lets it try; once is without a policy.</param>
    /// <param name="Failures">How often it fails before it works.</param>
    /// <param name="Joins">Whether it runs beside the one before.</param>
    internal sealed record Work(int Attempts, int Failures, bool Joins);

    [Fact]
    public async Task Whatever_fails_comes_to_its_result_when_it_is_rewound_often_enough()
    {
        await using var worker = await ReplayWorker.StartAsync(static tasks => tasks.AddOrchestratorFunc<Work[], int>("Test", RunAsync));
        await Gen.Select(Programs, Gen.Int).SampleAsync((program, seed) => new Driver(worker, program, new Random(seed)).RunAsync(), iter: 400, threads: 1);
    }

    private static async Task<int> RunAsync(TaskOrchestrationContext context, Work[] program)
    {
        var sum = 0;
        for (var start = 0; start < program.Length;)
        {
            var end = start + 1;
            while (end < program.Length && program[end].Joins)
            {
                end++;
            }

            sum += (await Task.WhenAll(Enumerable.Range(start, end - start).Select(index => context.CallActivityAsync<int>(
                "A", index, program[index].Attempts == 1 ? null : TaskOptions.FromRetryPolicy(new(program[index].Attempts, TimeSpan.FromSeconds(1))))))).Sum();
            start = end;
        }

        return sum;
    }

    /// <summary>A hub and its activities for one orchestration; every turn is a replay.</summary>
    private sealed class Driver(ReplayWorker worker, Work[] program, Random random)
    {
        private static readonly Official.OrchestrationInstance Instance = new() { InstanceId = "i", ExecutionId = "e" };

        private readonly int[] _failures = [.. program.Select(work => work.Failures)];
        private readonly int[] _worked = new int[program.Length];
        private readonly List<P.HistoryEvent> _arriving = [];
        private List<P.HistoryEvent> _history = [];
        private DateTime _now = DateTime.UnixEpoch;

        public async Task RunAsync()
        {
            _arriving.Add(new()
            {
                ExecutionStarted = new()
                {
                    Name = "Test",
                    Input = JsonDataConverter.Default.Serialize(program),
                    OrchestrationInstance = new() { InstanceId = Instance.InstanceId, ExecutionId = Instance.ExecutionId },
                },
            });
            for (var turn = 0; turn < 1000; turn++)
            {
                var arrived = Take();
                var actions = (await worker.RunAsync(Instance, _history.Select(Sent), arrived.Select(Sent), CancellationToken.None)).Actions;
                _history.AddRange(arrived);
                foreach (var action in actions.Where(action => action.CompleteOrchestration is null))
                {
                    Carry(action);
                }

                if (actions.FirstOrDefault(action => action.CompleteOrchestration is not null)?.CompleteOrchestration is not { } end)
                {
                    continue;
                }

                if (end.OrchestrationStatus == Official.OrchestrationStatus.Completed)
                {
                    Assert.Equal(Enumerable.Range(1, program.Length).Sum(), int.Parse(end.Result, CultureInfo.InvariantCulture));
                    Assert.All(_worked, times => Assert.Equal(1, times));
                    return;
                }

                Assert.Contains("'A'", end.FailureDetails.ErrorMessage, StringComparison.Ordinal);
                _history.Add(new() { ExecutionCompleted = new() { OrchestrationStatus = P.OrchestrationStatus.Failed } });
                _history = History.WithoutFailures(_history);
                _arriving.Add(new() { EventId = -1, ExecutionRewound = new() });
            }

            throw new InvalidOperationException("The orchestration does not end.");
        }

        private List<P.HistoryEvent> Take()
        {
            Assert.NotEmpty(_arriving);
            _now = _now.AddSeconds(1);
            var arrived = new List<P.HistoryEvent> { new() { EventId = -1, Timestamp = Timestamp.FromDateTime(_now), OrchestratorStarted = new() } };
            for (var count = random.Next(1, _arriving.Count + 1); count > 0; count--)
            {
                var index = random.Next(_arriving.Count);
                arrived.Add(_arriving[index]);
                _arriving.RemoveAt(index);
            }

            return arrived;
        }

        /// <summary>Records what was asked for, and lets the answer arrive.</summary>
        private void Carry(Official.OrchestratorAction action)
        {
            if (action.CreateTimer is { } timer)
            {
                _history.Add(new() { EventId = action.Id, TimerCreated = new() { FireAt = timer.FireAt } });
                _arriving.Add(new() { EventId = -1, TimerFired = new() { TimerId = action.Id, FireAt = timer.FireAt } });
                return;
            }

            _history.Add(new() { EventId = action.Id, TaskScheduled = new() { Name = action.ScheduleTask.Name, Input = action.ScheduleTask.Input } });
            var index = int.Parse(action.ScheduleTask.Input.Trim('[', ']'), CultureInfo.InvariantCulture);
            if (_failures[index]-- > 0)
            {
                _arriving.Add(new() { EventId = -1, TaskFailed = new() { TaskScheduledId = action.Id, FailureDetails = new() { ErrorType = "E", ErrorMessage = "not yet" } } });
            }
            else
            {
                _worked[index]++;
                _arriving.Add(new() { EventId = -1, TaskCompleted = new() { TaskScheduledId = action.Id, Result = $"{index + 1}" } });
            }
        }

        private Official.HistoryEvent Sent(P.HistoryEvent item)
        {
            var sent = Official.HistoryEvent.Parser.ParseFrom(item.ToByteArray());
            sent.Timestamp ??= Timestamp.FromDateTime(_now);
            return sent;
        }
    }
}
