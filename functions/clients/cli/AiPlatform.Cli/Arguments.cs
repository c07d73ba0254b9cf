using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;

namespace AiPlatform.Cli;

/// <summary>What the parser says about arguments, in the language of the rest: its own texts are only partly translated.</summary>
internal static class Arguments
{
    private static readonly (string Own, string Key)[] HelpTexts =
        [("Description:", "help.description"), ("Show help and usage information", "help.help"), ("[default: ", "help.default"), ("(REQUIRED)", "help.required")];

    /// <summary>What is wrong, a line each, and where to read on; none when nothing is.</summary>
    public static IReadOnlyList<string> Problems(ParseResult parsed)
    {
        if (parsed.Errors.Count == 0)
        {
            return [];
        }

        var command = parsed.CommandResult.Command;
        var lines = parsed.UnmatchedTokens.Select(static token => Texts.Get("arguments.unknown", token))
            .Concat(command.Options.Where(option => option.Required && parsed.GetResult(option) is null or { Implicit: true }).Select(static option => Texts.Get("arguments.missing", option.Name)))
            .Concat(parsed.Errors.Select(static error => error.SymbolResult).OfType<ArgumentResult>().Select(Problem))
            .Concat(parsed.Errors.Select(static error => error.SymbolResult).OfType<OptionResult>().Where(static option => !option.Implicit).Select(Problem))
            .ToList();
        if (lines.Count == 0)
        {
            lines.Add(command.Subcommands.Count > 0 ? Texts.Get("arguments.noCommand", string.Join(", ", command.Subcommands.Select(static sub => sub.Name))) : parsed.Errors[0].Message);
        }

        return [.. lines.Distinct(StringComparer.Ordinal), Texts.Get("arguments.help", string.Join(' ', Path(parsed.CommandResult).Reverse()))];
    }

    /// <summary>Whether the answer is the help.</summary>
    public static bool AsksForHelp(ParseResult parsed) => parsed.Action is HelpAction;

    /// <summary>The help in the user's language.</summary>
    public static string Help(string text) => HelpTexts.Aggregate(text, static (all, pair) => all.Replace(pair.Own, Texts.Get(pair.Key), StringComparison.Ordinal));

    /// <summary>A field of a request as its user gave it: the option or argument of that name, else its own name; with a colon.</summary>
    public static string Named(string field, ParseResult? parsed)
    {
        // As options are written: skippedLines is --skipped-lines.
        var name = string.Concat(field.Select(static letter => char.IsUpper(letter) ? $"-{char.ToLowerInvariant(letter)}" : $"{letter}"));
        var command = parsed?.CommandResult.Command;
        return command?.Options.FirstOrDefault(option => option.Name == $"--{name}") is { } option ? $"{option.Name}: "
            : command?.Arguments.FirstOrDefault(argument => argument.Name == name) is { } argument ? $"<{argument.Name}>: " : $"{field}: ";
    }

    private static string Problem(ArgumentResult argument)
        => argument.Tokens.Count == 0
            ? Texts.Get("arguments.missing", argument.Parent is OptionResult option ? option.Option.Name : $"<{argument.Argument.Name}>")
            : Texts.Get("arguments.value", argument.Tokens[^1].Value, argument.Parent is OptionResult of ? of.Option.Name : $"<{argument.Argument.Name}>");

    private static string Problem(OptionResult option)
        => option.Tokens.Count == 0 ? Texts.Get("arguments.noValue", option.Option.Name) : Texts.Get("arguments.value", option.Tokens[^1].Value, option.Option.Name);

    private static IEnumerable<string> Path(SymbolResult? result)
    {
        for (; result is CommandResult command; result = command.Parent)
        {
            yield return command.Command.Name;
        }
    }
}
