using AiPlatform.Contracts.Datasets;

namespace AiPlatform.Orchestrations.Data;

/// <summary>The import can never succeed: repeating it cannot help.</summary>
/// <param name="code">One of <see cref="DatasetImportErrors"/>.</param>
/// <param name="arguments">Values for the text of the code.</param>
internal sealed class ImportException(string code, params string[] arguments) : Exception($"{code} {string.Join(' ', arguments)}")
{
    public string Code { get; } = code;

    public IReadOnlyList<string> Arguments { get; } = arguments;
}
