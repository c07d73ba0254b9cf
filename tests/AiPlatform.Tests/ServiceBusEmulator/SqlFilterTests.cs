using AiPlatform.Hosting;
using AiPlatform.ServiceBusEmulator.Filters;
using AiPlatform.ServiceBusEmulator.Messages;
using AiPlatform.ServiceBusEmulator.Protocol;
using Amqp;
using Amqp.Framing;

namespace AiPlatform.Tests.ServiceBusEmulator;

public sealed class SqlFilterTests
{
    [Theory]
    [InlineData("1=1", true)]
    [InlineData("1 = 0", false)]
    [InlineData("TRUE", true)]
    [InlineData("color = 'blue'", true)]
    [InlineData("COLOR = 'blue'", true)]
    [InlineData("user.color = 'blue'", true)]
    [InlineData("[color] = 'blue'", true)]
    [InlineData("\"color\" <> 'blue'", false)]
    [InlineData("color = 'Blue'", false)]
    [InlineData("[with space] = 'it''s'", true)]
    [InlineData("[a]]b] = 1", true)]
    [InlineData("quantity > 4 AND quantity <= 5", true)]
    [InlineData("quantity != 5 OR price < 2.5", true)]
    [InlineData("NOT quantity = 5", false)]
    [InlineData("NOT (quantity = 4)", true)]
    [InlineData("quantity = 5.0", true)]
    [InlineData("quantity * 2 + 1 = 11", true)]
    [InlineData("1 + 2 * 3 = 7", true)]
    [InlineData("(1 + 2) * 3 = 9", true)]
    [InlineData("7 / 2 = 3", true)]
    [InlineData("7.0 / 2 = 3.5", true)]
    [InlineData("7 % 4 = 3", true)]
    [InlineData("-quantity = -5", true)]
    [InlineData("+quantity = 5", true)]
    [InlineData("101.5E2 = 10150", true)]
    [InlineData("'a' + 'b' = 'ab'", true)]
    [InlineData("'n' + 1 = 'n1'", true)]
    [InlineData("flag = TRUE", true)]
    [InlineData("flag", true)]
    [InlineData("sys.Label = 'orders'", true)]
    [InlineData("SYS.label LIKE 'ord%'", true)]
    [InlineData("sys.MessageId = 'm-1' AND sys.SessionId = 's' AND sys.To = 't' AND sys.ReplyTo = 'r' AND sys.ContentType = 'c' AND sys.CorrelationId = 'k'", true)]
    [InlineData("color IN ('red', 'blue')", true)]
    [InlineData("color NOT IN ('red', 'green')", true)]
    [InlineData("quantity IN (1, 2, 5)", true)]
    [InlineData("color LIKE 'b_ue'", true)]
    [InlineData("color NOT LIKE 'b%'", false)]
    [InlineData("percent LIKE '100!%' ESCAPE '!'", true)]
    [InlineData("color LIKE '%l%e'", true)]
    [InlineData("color LIKE ''", false)]
    [InlineData("EXISTS(color)", true)]
    [InlineData("EXISTS (missing)", false)]
    [InlineData("NOT EXISTS(missing)", true)]
    [InlineData("missing IS NULL", true)]
    [InlineData("color IS NOT NULL", true)]
    [InlineData("property('col' + 'or') = 'blue'", true)]
    [InlineData("p('color') = 'blue'", true)]
    [InlineData("newid() <> newid()", true)]
    [InlineData("quantity > @limit AND color = @Color", true)]
    public void A_condition_has_the_documented_value(string expression, bool expected) => Assert.Equal(expected, IsMatch(expression));

    [Theory]
    [InlineData("missing = 1")]
    [InlineData("missing <> 1")]
    [InlineData("NOT missing = 1")]
    [InlineData("missing + 1 > 0")]
    [InlineData("-missing < 0")]
    [InlineData("missing LIKE '%'")]
    [InlineData("missing NOT LIKE 'x'")]
    [InlineData("missing IN (1, 2)")]
    [InlineData("missing NOT IN (1, 2)")]
    [InlineData("color = NULL")]
    [InlineData("NULL = NULL")]
    [InlineData("missing = 1 AND TRUE")]
    [InlineData("missing = 1 OR FALSE")]
    public void What_is_unknown_matches_nothing(string expression)
    {
        Assert.Null(Evaluate(expression));
        Assert.False(IsMatch(expression));
    }

    [Theory]
    [InlineData("missing = 1 AND FALSE", false)]
    [InlineData("FALSE AND missing = 1", false)]
    [InlineData("missing = 1 OR TRUE", true)]
    [InlineData("TRUE OR missing = 1", true)]
    public void Logic_has_three_values(string expression, bool expected) => Assert.Equal(expected, Evaluate(expression));

    [Theory]
    [InlineData("")]
    [InlineData("color =")]
    [InlineData("color = 'open")]
    [InlineData("[color = 1")]
    [InlineData("(color = 1")]
    [InlineData("color = 1 extra")]
    [InlineData("sys.NoSuchProperty = 1")]
    [InlineData("other.color = 1")]
    [InlineData("color ~ 1")]
    [InlineData("color IN ()")]
    [InlineData("color IS 1")]
    [InlineData("AND = 1")]
    [InlineData("color = @unknown")]
    [InlineData("99999999999999999999 = 1")]
    [InlineData("SET color = 1")]
    public void What_is_no_condition_is_refused(string expression) => Assert.Throws<FilterException>(() => Rule(expression));

    [Theory]
    [InlineData("color > 1")]
    [InlineData("color = 1")]
    [InlineData("quantity")]
    [InlineData("color LIKE 1")]
    [InlineData("color LIKE 'x!' ESCAPE '!'")]
    [InlineData("color - 1 = 1")]
    [InlineData("quantity / 0 = 1")]
    public void What_types_do_not_allow_fails_for_the_message(string expression) => Assert.Throws<FilterException>(() => IsMatch(expression));

    [Fact]
    public void Long_and_deep_expressions_are_refused()
    {
        Assert.Throws<FilterException>(() => Rule(new string(' ', 1025) + "1=1"));
        Assert.Throws<FilterException>(() => Rule(new string('(', 400) + "1=1" + new string(')', 400)));
        Assert.Throws<FilterException>(() => Rule(string.Concat(Enumerable.Repeat("NOT ", 200)) + "TRUE"));
    }

    [Fact]
    public void A_hard_pattern_takes_no_long_time()
        => Assert.False(new LikePattern(string.Concat(Enumerable.Repeat("a%", 40)) + "b").Matches(new string('a', 5_000)));

    [Fact]
    public void Any_text_parses_or_is_refused_with_a_reason()
    {
        var random = new Random(7);
        string[] pieces = ["AND", "OR", "NOT", "(", ")", "color", "sys.Label", "=", "<>", "'x'", "1", "2.5", "IN", "LIKE", "IS", "NULL", "EXISTS", ",", "[", "]", "\"", "@p", "-", "*", ".", "\u4f60", "\0", ";"];
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Join(' ', Enumerable.Range(0, random.Next(1, 12)).Select(_ => pieces[random.Next(pieces.Length)]));
            try
            {
                SqlParser.ParseFilter(text, new Dictionary<string, object>())(Message());
            }
            catch (FilterException exception)
            {
                Assert.NotEmpty(exception.Message);
            }
        }
    }

    [Fact]
    public void An_action_changes_the_message()
    {
        var message = Message();
        var rule = new SubscriptionRule(new RuleDefinition
        {
            Name = "r",
            ActionExpression = "SET quantity = quantity * 2; SET sys.Label = 'changed'; SET [new one] = 'x' + color, REMOVE price REMOVE sys.ReplyTo SET flag = 'false'",
        });
        rule.Apply(message);
        var changed = EncodedMessage.Decode(message.Encode());
        Assert.Equal(10, changed.ApplicationProperties["quantity"]);
        Assert.Equal("xblue", changed.ApplicationProperties["new one"]);
        Assert.Equal(false, changed.ApplicationProperties["flag"]);
        Assert.False(changed.ApplicationProperties.Map.ContainsKey("price"));
        Assert.Equal("changed", changed.Properties.Subject);
        Assert.Null(changed.Properties.ReplyTo);
        Assert.Equal("body", changed.Body);
    }

    [Theory]
    [InlineData("SET sys.Size = 1")]
    [InlineData("SET color 1")]
    [InlineData("REMOVE")]
    [InlineData("color = 1")]
    public void What_is_no_action_is_refused(string action)
        => Assert.Throws<FilterException>(() => new SubscriptionRule(new RuleDefinition { Name = "r", ActionExpression = action }));

    [Fact]
    public void A_correlation_filter_needs_every_property_to_be_equal()
    {
        Assert.True(Correlates(new() { ["Label"] = "orders" }, new() { ["color"] = TypedValue.Of("blue"), ["quantity"] = TypedValue.Of(5.0) }));
        Assert.False(Correlates(new() { ["Label"] = "Orders" }, []));
        Assert.False(Correlates([], new() { ["color"] = TypedValue.Of(1) }));
        Assert.False(Correlates([], new() { ["missing"] = TypedValue.Of("x") }));
        Assert.Throws<FilterException>(() => Correlates([], []));
        Assert.Throws<FilterException>(() => Correlates(new() { ["Nothing"] = "x" }, []));
    }

    private static bool Correlates(Dictionary<string, string> system, Dictionary<string, TypedValue> application)
        => new SubscriptionRule(new RuleDefinition
        {
            Name = "r",
            Kind = RuleFilterKind.Correlation,
            SystemProperties = system,
            ApplicationProperties = application,
        }).IsMatch(Message());

    private static SubscriptionRule Rule(string expression) => new(new RuleDefinition
    {
        Name = "r",
        Kind = RuleFilterKind.Sql,
        SqlExpression = expression,
        SqlParameters = new Dictionary<string, TypedValue> { ["@limit"] = TypedValue.Of(4L), ["@Color"] = TypedValue.Of("blue") },
    });

    private static bool IsMatch(string expression) => Rule(expression).IsMatch(Message());

    private static object? Evaluate(string expression) => SqlParser.ParseFilter(expression, new Dictionary<string, object>())(Message());

    private static FilteredMessage Message()
    {
        var message = new Message("body")
        {
            Properties = new Properties { MessageId = "m-1", Subject = "orders", GroupId = "s", To = "t", ReplyTo = "r", ContentType = "c", CorrelationId = "k" },
            ApplicationProperties = new ApplicationProperties
            {
                ["color"] = "blue",
                ["quantity"] = 5,
                ["price"] = 2.25,
                ["flag"] = true,
                ["with space"] = "it's",
                ["a]b"] = 1L,
                ["percent"] = "100%",
            },
        };
        return new FilteredMessage(EncodedMessage.ToArray(message.Encode()), DateTime.UtcNow, null);
    }
}
