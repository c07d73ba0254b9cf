using System.Text.Json;
using CsCheck;

namespace AiPlatform.Tests.DurableTask;

/// <summary>Whatever an orchestrator does, and whatever happens to it, the result is that of its code.</summary>
public sealed class RandomProgramTests
{
    [Fact]
    public void Random_programs_give_the_same_result_under_crashes_duplicates_and_reordering()
        => Gen.Select(Gen.Int, Gen.Int).Sample(
            static (programSeed, fateSeed) =>
            {
                var random = new Random(programSeed);
                var steps = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Step.Random(random, 4)).ToArray();
                var result = new HistoryDriver(new Random(fateSeed), "instance").Run(new ProgramInput(steps, 0));
                Assert.True(result == steps.Sum(step => step.Evaluate()), $"{result} from {JsonSerializer.Serialize(steps)}, fate {fateSeed}");
            },
            iter: 300);
}
