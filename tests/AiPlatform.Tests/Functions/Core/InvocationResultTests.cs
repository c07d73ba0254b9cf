using System.Text.Json;
using AiPlatform.Functions.Triggers;

namespace AiPlatform.Tests.Functions.Core;

/// <summary>The answer to an invocation is the one that the Functions host expects.</summary>
public sealed class InvocationResultTests
{
    [Fact]
    public void The_result_is_the_full_form_and_never_empty()
        => Assert.Equal(
            """{"Outputs":{},"Logs":[],"ReturnValue":null}""",
            JsonSerializer.Serialize(InvocationResult.Done, AiPlatform.Contracts.ContractsJson.Strict));
}
