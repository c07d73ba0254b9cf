namespace AiPlatform.ServiceBusEmulator.Filters;

/// <summary>Matches the pattern of LIKE: <c>%</c> is any text, <c>_</c> any one character. Takes time in proportion to text times pattern at most.</summary>
internal static class LikePattern
{
    private const int AnyText = -1;
    private const int AnyCharacter = -2;

    internal static bool IsMatch(string text, string pattern, char? escape)
    {
        var parts = Parse(pattern, escape);
        int position = 0, part = 0, retryPart = -1, retryPosition = 0;
        while (position < text.Length)
        {
            if (part < parts.Count && (parts[part] == AnyCharacter || parts[part] == text[position]))
            {
                part++;
                position++;
            }
            else if (part < parts.Count && parts[part] == AnyText)
            {
                retryPart = ++part;
                retryPosition = position;
            }
            else if (retryPart >= 0)
            {
                // The last % takes one character more.
                part = retryPart;
                position = ++retryPosition;
            }
            else
            {
                return false;
            }
        }

        return parts.Skip(part).All(static rest => rest == AnyText);
    }

    private static List<int> Parse(string pattern, char? escape)
    {
        var parts = new List<int>(pattern.Length);
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == escape)
            {
                parts.Add(++i < pattern.Length ? pattern[i] : throw new FilterException("The pattern ends with its escape character."));
            }
            else
            {
                parts.Add(pattern[i] switch { '%' => AnyText, '_' => AnyCharacter, var other => other });
            }
        }

        return parts;
    }
}
