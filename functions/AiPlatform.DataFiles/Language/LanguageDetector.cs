namespace AiPlatform.DataFiles.Language;

/// <summary>
/// The language of a text: by its script, and among languages of the Latin script by their most common words. It says nothing
/// (null) where a text is too short or too mixed to tell.
/// </summary>
public static class LanguageDetector
{
    private const int MaxChars = 2000;
    private const int MaxWord = 20;

    private static readonly (string Language, string Words)[] Common =
    [
        ("en", "the of and to in is that it was for on are with as his they at be this from have or had by but what some we can out other were all there when up use your how said an each she which do their time if will way about many then them write would like so these her long make thing see him two has look more day could go come did number no most people my over know than call first who may down side been now find any new work part take get place made live where after back little only round man year came show every good me our"),
        ("de", "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde sei ich wir ihr hier kein wenn alle diese dieser unter"),
        ("fr", "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la avec ou son mais comme nous vous je elle ils aux cette ces ont été être fait leur deux même aussi bien sans tout très où si"),
        ("es", "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy hasta desde está mi porque qué sólo han yo hay vez puede todos así nos ni"),
        ("it", "di e il la che in un a è per una sono con non del si da le dei come al i nel lo della più ha ma anche alla gli o su questo delle se mi ci io era essere molto stato due suo fatto dal dopo tutti hanno"),
        ("pt", "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos ter seus quem nas me esse eles você"),
        ("nl", "de en van ik te dat die in een hij het niet zijn is was op aan met als voor had er maar om hem dan zou of wat mijn men dit zo door over ze zich bij ook tot je mij uit der daar haar naar heb hoe heeft hebben deze u want nog zal me zij nu ge geen omdat iets worden"),
    ];

    private static readonly Dictionary<string, int> Masks = Build();
    private static readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Lookup = Masks.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The ISO 639-1 code of the text's language; null when it cannot be told.</summary>
    public static string? Detect(ReadOnlySpan<char> text)
    {
        text = text[..Math.Min(text.Length, MaxChars)];
        Span<int> scripts = stackalloc int[(int)Script.Count];
        scripts.Clear();
        foreach (var c in text)
        {
            scripts[(int)Of(c)]++;
        }

        var letters = 0;
        var best = Script.None;
        for (var script = Script.Latin; script < Script.Count; script++)
        {
            letters += scripts[(int)script];
            best = scripts[(int)script] > scripts[(int)best] || best == Script.None ? script : best;
        }

        // Japanese is written in Han and kana together; Han characters carry more than letters do.
        if (scripts[(int)Script.Kana] > 0 && scripts[(int)Script.Kana] * 4 >= scripts[(int)Script.Han])
        {
            return "ja";
        }

        if (scripts[(int)Script.Han] >= 2 && scripts[(int)Script.Han] * 3 >= scripts[(int)Script.Latin])
        {
            return "zh";
        }

        if (letters < 2 || scripts[(int)best] * 10 < letters * 6)
        {
            return null;
        }

        return best switch
        {
            Script.Latin => Latin(text),
            Script.Cyrillic => text.ContainsAny('і', 'ї', 'є') ? "uk" : "ru",
            Script.Greek => "el",
            Script.Arabic => "ar",
            Script.Hebrew => "he",
            Script.Hangul => "ko",
            Script.Thai => "th",
            Script.Devanagari => "hi",
            Script.Kana => "ja",
            Script.Han => "zh",
            Script.None or Script.Count => null,
            _ => throw new InvalidOperationException($"Unknown script {best}."),
        };
    }

    private static string? Latin(ReadOnlySpan<char> text)
    {
        Span<int> hits = stackalloc int[Common.Length];
        hits.Clear();
        Span<char> word = stackalloc char[MaxWord];
        var words = 0;
        for (var at = 0; at < text.Length;)
        {
            if (!char.IsLetter(text[at]))
            {
                at++;
                continue;
            }

            var end = at + 1;
            while (end < text.Length && char.IsLetter(text[end]))
            {
                end++;
            }

            words++;
            if (end - at <= MaxWord)
            {
                var lower = word[..text[at..end].ToLowerInvariant(word)];
                if (Lookup.TryGetValue(lower, out var mask))
                {
                    for (var language = 0; language < hits.Length; language++)
                    {
                        hits[language] += (mask >> language) & 1;
                    }
                }
            }

            at = end;
        }

        var (first, second) = (0, -1);
        for (var language = 1; language < hits.Length; language++)
        {
            if (hits[language] > hits[first])
            {
                (first, second) = (language, first);
            }
            else if (second < 0 || hits[language] > hits[second])
            {
                second = language;
            }
        }

        return hits[first] >= 2 && hits[first] > hits[second] && hits[first] * 8 >= words ? Common[first].Language : null;
    }

    private static Dictionary<string, int> Build()
    {
        var masks = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var language = 0; language < Common.Length; language++)
        {
            foreach (var word in Common[language].Words.Split(' '))
            {
                masks[word] = masks.GetValueOrDefault(word) | (1 << language);
            }
        }

        return masks;
    }

    private static Script Of(char c) => c switch
    {
        (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '\u00C0' and <= '\u024F') => Script.Latin,
        >= '\u0370' and <= '\u03FF' => Script.Greek,
        >= '\u0400' and <= '\u04FF' => Script.Cyrillic,
        >= '\u0590' and <= '\u05FF' => Script.Hebrew,
        >= '\u0600' and <= '\u06FF' => Script.Arabic,
        >= '\u0900' and <= '\u097F' => Script.Devanagari,
        >= '\u0E00' and <= '\u0E7F' => Script.Thai,
        >= '\u3040' and <= '\u30FF' => Script.Kana,
        (>= '\u3400' and <= '\u4DBF') or (>= '\u4E00' and <= '\u9FFF') => Script.Han,
        >= '\uAC00' and <= '\uD7AF' => Script.Hangul,
        _ => Script.None,
    };

    private enum Script
    {
        None,
        Latin,
        Greek,
        Cyrillic,
        Hebrew,
        Arabic,
        Devanagari,
        Thai,
        Kana,
        Han,
        Hangul,
        Count,
    }
}
