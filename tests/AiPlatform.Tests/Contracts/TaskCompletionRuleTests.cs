using System.Text.Json;
using AiPlatform.Contracts.Queues;

namespace AiPlatform.Tests.Contracts;

public sealed class TaskCompletionRuleTests
{
    [Theory]
    [InlineData("\"\\u0000\"", "result.nul")]
    [InlineData("\"\\ud800\"", "result.surrogate")]
    [InlineData("1e999", "result.number")]
    [InlineData("\"0123456789012345678901234567890123456789\"", "result.size")]
    public void A_result_that_cannot_be_stored_is_a_failed_attempt_with_a_reason(string result, string kind)
    {
        var stored = TaskCompletionRule.Storable(new TaskCompletion("t", 3, TaskOutcome.Succeeded, JsonElement.Parse(result)), 32);
        Assert.Equal(("t", 3, TaskOutcome.Failed, kind), (stored.TaskId, stored.Fence, stored.Outcome, stored.ErrorKind));
        Assert.Null(stored.Result);
        Assert.Contains("cannot be stored", stored.Error);
    }

    [Fact]
    public void What_can_be_stored_stays_as_it_is()
    {
        var completion = new TaskCompletion("t", 1, TaskOutcome.Succeeded, JsonElement.Parse("{\"text\":\"\\\\u0000\"}"));
        Assert.Equal(completion, TaskCompletionRule.Storable(completion));
        Assert.Null(TaskCompletionRule.Storable(completion with { Result = JsonElement.Parse("null") }).Result);
    }

    [Fact]
    public void Kinds_and_errors_are_cleaned_and_a_failure_has_no_result()
    {
        var stored = TaskCompletionRule.Storable(new TaskCompletion(
            "t", 1, TaskOutcome.Failed, JsonElement.Parse("\"\\u0000\""), "python.\0Wert " + new string('x', 100), new string('e', 3_999) + "😀"));
        Assert.Equal("python._Wert_" + new string('x', 51), stored.ErrorKind);
        Assert.Equal(new string('e', 3_999), stored.Error);
        Assert.Null(stored.Result);
    }
}
