namespace AiPlatform.Kernel.Errors;

/// <summary>
/// Ends a request with a problem answer. The code decides the status and the texts (see <see cref="ErrorCatalog"/>).
/// </summary>
/// <param name="code">One of <see cref="Contracts.ErrorCodes"/>.</param>
/// <param name="args">Values for the placeholders of the code's detail text.</param>
public sealed class ApiException(string code, params object?[] args) : Exception(code)
{
    /// <summary>The stable code.</summary>
    public string Code { get; } = code;

    /// <summary>Values for the placeholders of the code's detail text.</summary>
    public IReadOnlyList<object?> Arguments { get; } = args;

    /// <summary>The request field that is wrong, in the request's own spelling; null when no single field is.</summary>
    public string? Field { get; init; }

    /// <summary>Seconds after which a repeat may succeed; sent as <c>Retry-After</c>.</summary>
    public int? RetryAfterSeconds { get; init; }

    /// <summary>400 <c>invalid_request</c> that names the field; <paramref name="reason"/> is a key of the error texts.</summary>
    public static ApiException Invalid(string field, string reason, params object?[] args)
        => new(Contracts.ErrorCodes.InvalidRequest, [reason, .. args]) { Field = field };

    /// <summary>404 for an entity that does not exist or that the caller may not see.</summary>
    /// <param name="kind">What was looked for, such as <c>project</c>.</param>
    /// <param name="id">The id or name in the request.</param>
    public static ApiException NotFound(string kind, string id) => new(Contracts.ErrorCodes.NotFound, kind, id);

    /// <summary>409: an entity of this kind with this name exists.</summary>
    public static ApiException AlreadyExists(string kind, string name) => new(Contracts.ErrorCodes.AlreadyExists, kind, name) { Field = "name" };

    /// <summary>409: the state machine has no step from <paramref name="from"/> to <paramref name="to"/>.</summary>
    public static ApiException IllegalTransition(string kind, string from, string to)
        => new(Contracts.ErrorCodes.IllegalTransition, kind, from, to);
}
