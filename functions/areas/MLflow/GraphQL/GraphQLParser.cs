using System.Globalization;
using System.Text.Json.Nodes;

namespace AiPlatform.MLflow.GraphQL;

/// <summary>Reads an operation of a GraphQL document: its fields with fragments and variables put in. Directives are passed over.</summary>
internal sealed class GraphQLParser
{
    private const int MaxDepth = 10;
    private const int MaxSelections = 1_000;
    private const int MaxRootFields = 10;
    private const int MaxAliases = 10;
    private const int MaxNesting = 64;

    private readonly List<GraphQLToken> _tokens;
    private readonly JsonObject _variables;
    private readonly Dictionary<string, int> _fragments = new(StringComparer.Ordinal);
    private readonly List<(string? Name, int Start)> _operations = [];
    private int _next;
    private int _selections;

    private GraphQLParser(string query, JsonObject variables) => (_tokens, _variables) = (GraphQLTokens.Read(query), variables);

    /// <summary>The root fields of an operation.</summary>
    /// <param name="operation">Its name; null for the only one.</param>
    /// <exception cref="GraphQLException">It is not GraphQL, or larger than what is answered.</exception>
    public static IReadOnlyList<GraphQLField> Parse(string query, string? operation, JsonObject variables)
    {
        var parser = new GraphQLParser(query, variables);
        parser.FindDefinitions();
        var found = parser._operations.FindAll(candidate => operation is null || candidate.Name == operation);
        parser._next = found switch
        {
            [var only] => only.Start,
            [] => throw new GraphQLException(operation is null ? "Syntax Error: Unexpected <EOF>." : $"Unknown operation named '{operation}'."),
            _ => throw new GraphQLException("Must provide operation name if query contains multiple operations."),
        };
        var fields = parser.Selections(1);
        return fields.Count <= MaxRootFields ? fields : throw TooMany(MaxRootFields, "root fields", fields.Count);
    }

    // Where each operation's and each fragment's selection begins.
    private void FindDefinitions()
    {
        while (_next < _tokens.Count)
        {
            string? name = null;
            var isFragment = false;
            if (!Peek().Is("{"))
            {
                var kind = Name();
                isFragment = kind == "fragment";
                if (!isFragment && kind is not ("query" or "mutation"))
                {
                    throw Unexpected();
                }

                name = Peek().Kind == GraphQLTokenKind.Name ? Name() : null;
                while (!Peek().Is("{"))
                {
                    if (Take().Is("("))
                    {
                        SkipTo(")");
                    }
                }
            }

            if (isFragment)
            {
                _fragments[name ?? throw Unexpected()] = _next;
            }
            else
            {
                _operations.Add((name, _next));
            }

            Take();
            SkipTo("}");
        }
    }

    private void SkipTo(string end)
    {
        for (var depth = 1; depth > 0;)
        {
            var token = Take();
            depth += token.Is("{") || token.Is("(") || token.Is("[") ? 1 : token.Is("}") || token.Is(")") || token.Is("]") ? -1 : 0;
            if (depth == 0 && !token.Is(end))
            {
                throw Unexpected();
            }
        }
    }

    private List<GraphQLField> Selections(int depth)
    {
        if (depth > MaxDepth)
        {
            throw new GraphQLException($"Query exceeds maximum depth of {MaxDepth}");
        }

        Expect("{");
        var fields = new List<GraphQLField>();
        while (!Peek().Is("}"))
        {
            if (!Peek().Is("..."))
            {
                fields.Add(Field(depth));
                continue;
            }

            Take();
            fields.AddRange(Spread(depth));
        }

        Take();
        var aliases = fields.Count(static field => field.Key != field.Name);
        return aliases <= MaxAliases ? fields : throw TooMany(MaxAliases, "aliases", aliases);
    }

    private List<GraphQLField> Spread(int depth)
    {
        Count();
        if (Peek().Kind == GraphQLTokenKind.Name && Peek().Text != "on")
        {
            var name = Name();
            var (back, start) = (_next, _fragments.TryGetValue(name, out var known) ? known : throw new GraphQLException($"Unknown fragment '{name}'."));
            _next = start;
            var fields = Selections(depth + 1);
            _next = back;
            return fields;
        }

        while (!Peek().Is("{"))
        {
            Take();
        }

        return Selections(depth + 1);
    }

    private GraphQLField Field(int depth)
    {
        Count();
        var key = Name();
        var name = key;
        if (Peek().Is(":"))
        {
            Take();
            name = Name();
        }

        var arguments = Peek().Is("(") ? Arguments() : [];
        while (Peek().Is("@"))
        {
            Take();
            Name();
            if (Peek().Is("("))
            {
                Arguments();
            }
        }

        return new GraphQLField(key, name, arguments, Peek().Is("{") ? Selections(depth + 1) : []);
    }

    private void Count()
    {
        if (++_selections > MaxSelections)
        {
            throw new GraphQLException($"Query exceeds maximum total selections of {MaxSelections}");
        }
    }

    private JsonObject Arguments()
    {
        Expect("(");
        return Pairs(")", 1);
    }

    private JsonObject Pairs(string end, int nesting)
    {
        var result = new JsonObject();
        while (!Peek().Is(end))
        {
            var name = Name();
            Expect(":");
            result[name] = Value(nesting);
        }

        Take();
        return result;
    }

    private JsonNode? Value(int nesting)
    {
        if (nesting > MaxNesting)
        {
            throw new GraphQLException("Query exceeds maximum nesting of values");
        }

        var token = Take();
        switch (token.Kind)
        {
            case GraphQLTokenKind.Text:
                return JsonValue.Create(token.Text);
            case GraphQLTokenKind.Number:
                return long.TryParse(token.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                    ? JsonValue.Create(number)
                    : double.TryParse(token.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real)
                    ? JsonValue.Create(real)
                    : throw Unexpected();
            case GraphQLTokenKind.Name:
                return token.Text switch
                {
                    "true" => JsonValue.Create(true),
                    "false" => JsonValue.Create(false),
                    "null" => null,
                    _ => JsonValue.Create(token.Text),
                };
            case GraphQLTokenKind.Punctuation when token.Text == "$":
                return _variables[Name()]?.DeepClone();
            case GraphQLTokenKind.Punctuation when token.Text == "{":
                return Pairs("}", nesting + 1);
            case GraphQLTokenKind.Punctuation when token.Text == "[":
                var list = new JsonArray();
                while (!Peek().Is("]"))
                {
                    list.Add(Value(nesting + 1));
                }

                Take();
                return list;
            default:
                throw Unexpected();
        }
    }

    private string Name() => Take() is { Kind: GraphQLTokenKind.Name } token ? token.Text : throw Unexpected();

    private void Expect(string sign)
    {
        if (!Take().Is(sign))
        {
            throw Unexpected();
        }
    }

    private GraphQLToken Peek() => _next < _tokens.Count ? _tokens[_next] : throw new GraphQLException("Syntax Error: Unexpected <EOF>.");

    private GraphQLToken Take()
    {
        var token = Peek();
        _next++;
        return token;
    }

    private GraphQLException Unexpected() => new($"Syntax Error: Unexpected '{_tokens[Math.Max(0, _next - 1)].Text}'.");

    private static GraphQLException TooMany(int most, string what, int count)
        => new($"GraphQL queries should have at most {most} {what}, got {count} {what}.");
}
