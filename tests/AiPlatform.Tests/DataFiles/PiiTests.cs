using AiPlatform.DataFiles.Pii;
using CsCheck;
using Xunit.Abstractions;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Personal data against labelled cases: examples of the standards, and what looks like them.</summary>
public sealed class PiiTests(ITestOutputHelper output)
{
    private static readonly (string Text, string Kinds)[] Labelled =
    [
        ("jane.doe@example.com", "Email"), ("Contact: j_doe+tag@mail.example.co.uk, thanks", "Email"), ("<o'neil@example.org>", "Email"), ("a@b.io", "Email"),
        ("user%x@sub-domain.example.museum", "Email"), ("two@example.com;three@example.com", "Email"), ("邮箱zhang.san@example.cn谢谢", "Email"), ("x@192.168.1.1", "Ipv4"),
        ("not an @ sign", ""), ("a@b", ""), ("foo@bar.", ""), ("@handle", ""), ("me@@example.com", ""), ("price @ 3.50", ""), ("a@b.c", ""), ("git@host:path", ""),
        ("13800138000", "ChineseMobile"), ("+86 138 0013 8000", "ChineseMobile"), ("电话：139-1234-5678", "ChineseMobile"), ("8619912345678", "ChineseMobile"), ("008613912345678", "ChineseMobile"),
        ("手机15912345678。", "ChineseMobile"), ("12345678901", ""), ("10800138000", ""), ("1380013800", ""), ("order 213800138000", ""),
        ("+1 415 555 2671", "Phone"), ("+44 20 7946 0958", "Phone"), ("(415) 555-2671", "Phone"), ("415-555-2671", "Phone"), ("1-415-555-2671", "Phone"), ("010-62781234", "Phone"),
        ("0755-2678 1234", ""), ("+4915112345678", "Phone"), ("(021) 62781234", "Phone"), ("call 415.555.2671 now", "Phone"),
        ("115-555-2671", ""), ("2024-01-15", ""), ("2024-01-15 10:22:33", ""), ("12-345-6789", ""), ("4155552671", ""), ("3.14159265", ""), ("1,234,567,890", ""), ("+12", ""),
        ("11010519491231002X", "ChineseId"), ("440524188001010014", ""), ("身份证 110105194912310021", ""), ("320311770706001", ""), ("11010519491231002x", "ChineseId"),
        ("110105199002300022", ""), ("991010519900101001X", ""), ("130503670401001", ""), ("330106198001017897", ""),
        ("4111 1111 1111 1111", "Card"), ("4111111111111111", "Card"), ("5500-0000-0000-0004", "Card"), ("340000000000009", "Card"), ("6011000000000004", "Card"), ("30000000000004", "Card"),
        ("3530111333300000", "Card"), ("6212345678900000003", "Card"), ("4111 1111 1111 1112", ""), ("1234567812345670", ""), ("9999999999999995", ""), ("0.4111111111111111", ""),
        ("192.168.0.1", "Ipv4"), ("server 10.0.0.255:8080 up", "Ipv4"), ("8.8.8.8,8.8.4.4", "Ipv4"), ("256.1.1.1", ""), ("1.2.3", ""), ("1.2.3.4.5", ""), ("v1.2.3.4beta", ""), ("01.02.03.04", ""),
        ("2001:db8::1", "Ipv6"), ("fe80::1ff:fe23:4567:890a", "Ipv6"), ("[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:443", "Ipv6"), ("::1 localhost", ""), ("12:30:45", ""), ("a:b:c", ""), ("std::vector", ""),
        ("00:1A:2B:3C:4D:5E", ""), ("hello world", ""), ("1000000", ""), ("SKU-12345-678-9012", ""), ("2024", ""), ("550e8400-e29b-41d4-a716-446655440000", ""),
    ];

    [Fact]
    public void Each_kind_is_found_among_labelled_cases()
    {
        var matches = new List<PiiMatch>();
        var scores = Enum.GetValues<PiiKind>().ToDictionary(static kind => kind, static kind => new DetectorScore($"PII {kind}"));
        var wrong = new List<string>();
        foreach (var (text, kinds) in Labelled)
        {
            PiiScanner.Scan(text, matches);
            var found = string.Join(',', matches.Select(static match => match.Kind.ToString()).Distinct());
            if (found != kinds)
            {
                wrong.Add($"{text}: {found} instead of {kinds}");
            }

            foreach (var (kind, score) in scores)
            {
                score.Add(kinds.Contains(kind.ToString(), StringComparison.Ordinal) && !(kind == PiiKind.Phone && kinds.Contains("Mobile", StringComparison.Ordinal)), matches.Exists(match => match.Kind == kind));
            }
        }

        wrong.ForEach(output.WriteLine);
        foreach (var score in scores.Values)
        {
            score.Require(output, 0.85, 0.85);
        }
    }

    [Fact]
    public void Generated_identity_numbers_and_cards_are_found_and_ones_with_a_wrong_check_digit_are_not()
    {
        var (ids, cards) = (new DetectorScore("generated Chinese IDs"), new DetectorScore("generated cards"));
        var random = new Random(11);
        var matches = new List<PiiMatch>();
        for (var i = 0; i < 2000; i++)
        {
            var body = $"{random.Next(11, 16)}{random.Next(100, 999)}{random.Next(0, 9)}{new DateTime(1950, 1, 1).AddDays(random.Next(20_000)):yyyyMMdd}{random.Next(100, 999)}";
            int[] weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
            var check = "10X98765432"[body.Select((digit, index) => (digit - '0') * weights[index]).Sum() % 11];
            var isRight = i % 2 == 0;
            PiiScanner.Scan($"no. {body}{(isRight ? check : check == '7' ? '8' : '7')}", matches);
            ids.Add(isRight, matches.Exists(static match => match.Kind == PiiKind.ChineseId));

            var number = $"4{string.Concat(Enumerable.Range(0, 14).Select(_ => random.Next(10)))}";
            var sum = number.Reverse().Select((digit, index) => index % 2 == 0 ? ((digit - '0') * 2 / 10) + ((digit - '0') * 2 % 10) : digit - '0').Sum();
            var luhn = (10 - (sum % 10)) % 10;
            PiiScanner.Scan($"{number}{(isRight ? luhn : (luhn + 1 + random.Next(9)) % 10)}", matches);
            cards.Add(isRight, matches.Exists(static match => match.Kind == PiiKind.Card));
        }

        ids.Require(output, 1, 1);
        cards.Require(output, 1, 1);
    }

    [Fact]
    public void Plain_numbers_are_seldom_taken_for_personal_data()
    {
        var random = new Random(2);
        var matches = new List<PiiMatch>();
        var found = 0;
        for (var i = 0; i < 20_000; i++)
        {
            string[] texts = [$"{random.NextDouble()}", $"{random.Next()}", $"{random.NextInt64(1_000_000_000_000)}", $"{random.NextDouble() * 1e6:0.00}", $"{DateTime.UnixEpoch.AddSeconds(random.Next()):O}"];
            foreach (var text in texts)
            {
                PiiScanner.Scan(text, matches);
                found += matches.Count;
            }
        }

        output.WriteLine($"{found} of 100,000 plain values");
        Assert.InRange(found, 0, 400);
    }

    [Theory]
    [InlineData("mail jane.doe@example.com now", "mail ja****************om now")]
    [InlineData("nothing here", "nothing here")]
    [InlineData("8.8.8.8 and 13800138000", "8*****8 and 13*******00")]
    public void What_is_shown_is_masked(string text, string masked) => Assert.Equal(masked, PiiScanner.MaskAll(text));

    [Fact]
    public void Any_text_can_be_scanned_and_matches_lie_inside_of_it_one_after_the_other()
        => Gen.String[Gen.OneOf(Tables.Pick('@', ':', '.', '-', '(', ')', '+', ' ', 'a', 'F', '中'), Gen.Char['0', '9']), 0, 80].Sample(static text =>
        {
            var matches = new List<PiiMatch>();
            PiiScanner.Scan(text, matches);
            var end = 0;
            foreach (var match in matches)
            {
                if (match.Start < end || match.Length <= 0 || match.Start + match.Length > text.Length)
                {
                    return false;
                }

                end = match.Start + match.Length;
            }

            return true;
        }, iter: 20_000);
}
