using System.Text.Json.Nodes;

namespace AiPlatform.MLflow.GraphQL;

/// <summary>A field of a query with what is selected of it.</summary>
/// <param name="Key">Its name in the answer: the alias, or <paramref name="Name"/>.</param>
internal sealed record GraphQLField(string Key, string Name, JsonObject Arguments, IReadOnlyList<GraphQLField> Selections);

/// <summary>A query that cannot be answered; the message is for its writer.</summary>
internal sealed class GraphQLException(string message) : Exception(message);
