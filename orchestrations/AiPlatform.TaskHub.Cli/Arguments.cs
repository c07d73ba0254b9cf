namespace AiPlatform.TaskHub.Cli;

/// <summary>A command line: a command, its operands, and options of the form <c>--name value</c> or <c>--flag</c>.</summary>
internal sealed class Arguments
{
    private static readonly string[] Flags = ["recursive", "help"];

    private readonly Dictionary<string, string> _options = new(StringComparer.Ordinal);
    private readonly List<string> _operands = [];

    /// <exception cref="UsageException">An option has no value.</exception>
    public Arguments(IReadOnlyList<string> args)
    {
        for (var index = 0; index < args.Count; index++)
        {
            if (!args[index].StartsWith("--", StringComparison.Ordinal))
            {
                _operands.Add(args[index]);
                continue;
            }

            var name = args[index][2..];
            _options[name] = Flags.Contains(name, StringComparer.Ordinal) ? "true"
                : index + 1 < args.Count ? args[++index]
                : throw new UsageException($"--{name} needs a value.");
        }
    }

    /// <summary>The command; <c>help</c> when none is given.</summary>
    public string Command => Has("help") || _operands.Count == 0 ? "help" : _operands[0];

    /// <summary>Names of options that were given.</summary>
    public IEnumerable<string> OptionNames => _options.Keys;

    /// <summary>Operands after the command.</summary>
    public int OperandCount => Math.Max(0, _operands.Count - 1);

    /// <summary>An operand after the command.</summary>
    /// <exception cref="UsageException">It is missing.</exception>
    public string Operand(int index, string what) => index + 1 < _operands.Count ? _operands[index + 1] : throw new UsageException($"{what} is missing.");

    public bool Has(string option) => _options.ContainsKey(option);

    public string? Option(string option) => _options.GetValueOrDefault(option);

    /// <summary>An option's value, read.</summary>
    /// <exception cref="UsageException">It cannot be read.</exception>
    public T Option<T>(string option, T otherwise)
        where T : IParsable<T>
        => Option(option) is not { } text ? otherwise
            : T.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var value) ? value
            : throw new UsageException($"--{option} {text} is not a {typeof(T).Name}.");
}

/// <summary>The command line is wrong; the message says how.</summary>
internal sealed class UsageException(string message) : Exception(message);
