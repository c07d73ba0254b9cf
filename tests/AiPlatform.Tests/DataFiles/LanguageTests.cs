using AiPlatform.DataFiles.Language;
using Xunit.Abstractions;

namespace AiPlatform.Tests.DataFiles;

public sealed class LanguageTests(ITestOutputHelper output)
{
    private static readonly (string Text, string? Language)[] Labelled =
    [
        ("The quick brown fox jumps over the lazy dog.", "en"), ("I would like to know when the next train is going to leave.", "en"), ("This product is great and I will buy it again", "en"),
        ("Das ist ein sehr schönes Haus mit einem großen Garten.", "de"), ("Ich habe heute keine Zeit und muss nach Hause.", "de"), ("Die Lieferung wird am Montag bei uns sein.", "de"),
        ("Le chat est sur la table et il ne veut pas descendre.", "fr"), ("Nous avons besoin de plus de temps pour finir ce projet.", "fr"), ("Elle est partie sans dire où elle allait.", "fr"),
        ("El perro está en el jardín y no quiere entrar.", "es"), ("Me gusta mucho leer libros de historia por la noche.", "es"), ("Los niños juegan con sus amigos todos los días.", "es"),
        ("Il gatto è sul tavolo e non vuole scendere.", "it"), ("Questa è una bella giornata per andare al mare con gli amici.", "it"),
        ("O gato não está em casa porque foi para a rua.", "pt"), ("Ela não sabe quando ele vai chegar ao trabalho.", "pt"),
        ("De kat zit op de tafel en wil er niet af.", "nl"), ("Het is een mooie dag om naar het strand te gaan.", "nl"),
        ("今天天气很好，我们去公园散步吧。", "zh"), ("这个产品的质量非常不错", "zh"), ("我在北京工作，使用 Python 和 GPU 训练模型", "zh"),
        ("今日はとても良い天気ですね。", "ja"), ("私は東京で働いています。", "ja"), ("오늘은 날씨가 아주 좋습니다.", "ko"), ("Сегодня очень хорошая погода.", "ru"), ("Привіт, як справи? Що нового є у вас?", "uk"),
        ("الطقس جميل اليوم", "ar"), ("Ο καιρός είναι καλός σήμερα", "el"), ("วันนี้อากาศดีมาก", "th"), ("आज मौसम बहुत अच्छा है", "hi"), ("היום מזג האוויר יפה", "he"),
        ("12345 67890", null), ("???", null), ("", null), ("x", null), ("SKU-998 ABC", null), ("qwrt zxcv bnmk", null),
    ];

    [Fact]
    public void Languages_are_told_in_labelled_sentences()
    {
        var score = new DetectorScore("language");
        foreach (var (text, language) in Labelled)
        {
            var found = LanguageDetector.Detect(text);
            if (found != language)
            {
                output.WriteLine($"{text}: {found ?? "nothing"} instead of {language ?? "nothing"}");
            }

            score.Add(language is not null, found is not null && found == language);
            if (found is not null && found != language)
            {
                score.Add(false, true);
            }
        }

        score.Require(output, 0.95, 0.9);
    }
}
