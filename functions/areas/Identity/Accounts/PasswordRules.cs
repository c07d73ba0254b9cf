using AiPlatform.Contracts;
using AiPlatform.Kernel.Errors;

namespace AiPlatform.Identity.Accounts;

/// <summary>
/// Which new passwords are taken: any characters, long enough, and none that guessing tries first (NIST SP 800-63B, 5.1.1.2): common
/// words however they are dressed up, the account's own name, repetitions and sequences. There are no rules of composition.
/// </summary>
internal static class PasswordRules
{
    public const int MinLength = 10;
    public const int MaxLength = 128;

    // What must be left of a password when the account's or the platform's name is taken out of it.
    private const int MinOwnLength = 8;
    private const int MinNameLength = 4;
    private const int MinDistinct = 4;
    private const int MaxUnit = 4;

    private static readonly string[] Rows = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop"];
    private static readonly HashSet<string> Common = ReadCommon();

    /// <summary>Passes a password that may be used.</summary>
    /// <param name="field">The request's field.</param>
    /// <param name="names">The account's name and address.</param>
    /// <exception cref="ApiException">400 <c>invalid_request</c> for its length, <c>weak_password</c> for the rest.</exception>
    public static string Require(string? password, string field, params ReadOnlySpan<string?> names)
    {
        Check.Length(password, field, MinLength, MaxLength);
        return Weakness(password!, names) is { } reason ? throw new ApiException(ErrorCodes.WeakPassword, reason) { Field = field } : password!;
    }

    /// <summary>Why a password is not taken, a key of the error texts; null when it is.</summary>
    internal static string? Weakness(string password, params ReadOnlySpan<string?> names)
    {
        var plain = password.ToLowerInvariant();
        if (IsCommon(plain))
        {
            return "commonPassword";
        }

        if (plain.Distinct().Count() < MinDistinct || IsRepetition(plain))
        {
            return "repeatedPassword";
        }

        if (IsSequence(plain))
        {
            return "sequentialPassword";
        }

        foreach (var name in (ReadOnlySpan<string?>)["aiplatform", .. names])
        {
            if (Part(name) is { Length: >= MinNameLength } part && plain.Contains(part, StringComparison.Ordinal)
                && plain.Replace(part, string.Empty, StringComparison.Ordinal).Length < MinOwnLength)
            {
                return "namePassword";
            }
        }

        return null;
    }

    // An address stands for what is before its sign.
    private static string? Part(string? name) => name?.Split('@')[0].ToLowerInvariant();

    // As it is; without what people add at the ends; with letters in the place of the signs that stand for them.
    private static bool IsCommon(string plain)
    {
        var core = plain.Trim([.. plain.Where(static c => !char.IsLetter(c))]);
        return Common.Contains(plain) || Common.Contains(core) || Common.Contains(Letters(core)) || Common.Contains(Letters(plain));
    }

    private static string Letters(string text) => string.Concat(text.Select(static c => c switch
    {
        '0' => 'o',
        '1' or '!' or '|' => 'i',
        '3' => 'e',
        '4' or '@' => 'a',
        '5' or '$' => 's',
        '7' => 't',
        _ => c,
    }));

    private static bool IsRepetition(string plain)
    {
        for (var unit = 1; unit <= MaxUnit; unit++)
        {
            var repeats = true;
            for (var i = unit; i < plain.Length && repeats; i++)
            {
                repeats = plain[i] == plain[i - unit];
            }

            if (repeats)
            {
                return true;
            }
        }

        return false;
    }

    // All but two of its steps go along the alphabet, the digits or a row of keys, in one direction or the other.
    private static bool IsSequence(string plain)
    {
        var steps = 0;
        for (var i = 1; i < plain.Length; i++)
        {
            var (before, after) = (plain[i - 1], plain[i]);
            steps += Array.Exists(Rows, row => row.Contains($"{before}{after}", StringComparison.Ordinal) || row.Contains($"{after}{before}", StringComparison.Ordinal)) ? 1 : 0;
        }

        return steps >= plain.Length - 3;
    }

    private static HashSet<string> ReadCommon()
    {
        using var stream = typeof(PasswordRules).Assembly.GetManifestResourceStream("AiPlatform.Identity.Resources.common-passwords.txt")
            ?? throw new InvalidOperationException("The list of common passwords is missing.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).ToHashSet(StringComparer.Ordinal);
    }
}
