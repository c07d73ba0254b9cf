using AiPlatform.ServiceBusEmulator.Configuration;
using AiPlatform.ServiceBusEmulator.Entities;
using AiPlatform.ServiceBusEmulator.Filters;

namespace AiPlatform.Tests.ServiceBusEmulator;

public sealed class EmulatorConfigFileTests
{
    // As Microsoft's emulator documents it, with a comment and a trailing comma, which it accepts too.
    private const string Config = """
        {
          "UserConfig": {
            "Namespaces": [
              {
                "Name": "sbemulatorns",
                "Queues": [
                  {
                    "Name": "queue.1",
                    "Properties": {
                      "DeadLetteringOnMessageExpiration": true,
                      "DefaultMessageTimeToLive": "PT1H",
                      "DuplicateDetectionHistoryTimeWindow": "PT20S",
                      "ForwardDeadLetteredMessagesTo": "",
                      "ForwardTo": "",
                      "LockDuration": "PT30S",
                      "MaxDeliveryCount": 3,
                      "RequiresDuplicateDetection": true,
                      "RequiresSession": false
                    }
                  },
                  { "Name": "queue.2" },
                ],
                "Topics": [
                  {
                    "Name": "topic.1",
                    "Properties": { "DefaultMessageTimeToLive": "P10675199DT2H48M5.4775807S" }, // for ever
                    "Subscriptions": [
                      {
                        "Name": "subscription.1",
                        "Properties": { "RequiresSession": true, "MaxDeliveryCount": 7 },
                        "Rules": [
                          {
                            "Name": "correlation",
                            "Properties": {
                              "FilterType": "Correlation",
                              "CorrelationFilter": {
                                "ContentType": "application/json", "CorrelationId": "id1", "Label": "subject1", "MessageId": "",
                                "Properties": { "text": "value1", "number": 7, "share": 0.5, "flag": true }
                              }
                            }
                          },
                          {
                            "Name": "sql",
                            "Properties": { "FilterType": "Sql", "SqlFilter": { "SqlExpression": "sys.MessageId = '123456'" }, "Action": { "SqlExpression": "SET sys.To = 'Entity'" } }
                          }
                        ]
                      },
                      { "Name": "subscription.2" }
                    ]
                  }
                ]
              }
            ],
            "Logging": { "Type": "File" }
          }
        }
        """;

    [Fact]
    public void Every_entity_of_the_file_is_read_with_its_properties()
    {
        var entities = EmulatorConfigFile.Parse(Config).ToDictionary(entity => entity.Name);

        Assert.Equal(["queue.1", "queue.2", "topic.1", "topic.1/Subscriptions/subscription.1", "topic.1/Subscriptions/subscription.2"], entities.Keys.Order(StringComparer.Ordinal));
        var queue = entities["queue.1"].Properties;
        Assert.Equal((TimeSpan.FromSeconds(30), 3, TimeSpan.FromHours(1)), (queue.LockDuration, queue.MaxDeliveryCount, queue.DefaultMessageTimeToLive));
        Assert.Equal((true, true, TimeSpan.FromSeconds(20)), (queue.DeadLetteringOnMessageExpiration, queue.RequiresDuplicateDetection, queue.DuplicateDetectionHistoryTimeWindow));
        Assert.Null(queue.ForwardTo);
        Assert.Null(queue.ForwardDeadLetteredMessagesTo);
        Assert.False(queue.RequiresSession);
        Assert.Equal(new EntityProperties(), entities["queue.2"].Properties);
        Assert.Equal(EntityKind.Topic, entities["topic.1"].Kind);
        Assert.Null(entities["topic.1"].Properties.Problem());
        var subscription = entities["topic.1/Subscriptions/subscription.1"];
        Assert.Equal((true, 7), (subscription.Properties.RequiresSession, subscription.Properties.MaxDeliveryCount));
    }

    [Fact]
    public void Rules_are_read_with_their_filters_and_actions()
    {
        var entities = EmulatorConfigFile.Parse(Config).ToDictionary(entity => entity.Name);

        var rules = entities["topic.1/Subscriptions/subscription.1"].Rules;
        Assert.Equal((RuleFilterKind.Correlation, RuleFilterKind.Sql), (rules[0].Kind, rules[1].Kind));
        Assert.Equal(new Dictionary<string, string> { ["ContentType"] = "application/json", ["CorrelationId"] = "id1", ["Label"] = "subject1" }, rules[0].SystemProperties);
        Assert.Equal(
            new Dictionary<string, object> { ["text"] = "value1", ["number"] = 7L, ["share"] = 0.5, ["flag"] = true },
            rules[0].ApplicationProperties!.ToDictionary(pair => pair.Key, pair => pair.Value.ToObject()));
        Assert.Equal(("sys.MessageId = '123456'", "SET sys.To = 'Entity'"), (rules[1].SqlExpression, rules[1].ActionExpression));
        Assert.Equal(RuleDefinition.DefaultName, Assert.Single(entities["topic.1/Subscriptions/subscription.2"].Rules).Name);
    }

    [Theory]
    [InlineData("{}", "UserConfig.Namespaces")]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Queues": [ {} ] } ] } }""", "no name")]
    [InlineData("""{ "UserConfig": { "Namespaces": [ { "Topics": [ { "Name": "t", "Subscriptions": [ { "Name": "s", "Rules": [ { "Name": "r" } ] } ] } ] } ] } }""", "'r' has no properties")]
    public void What_is_missing_is_named(string json, string expected)
        => Assert.Contains(expected, Assert.Throws<FormatException>(() => EmulatorConfigFile.Parse(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_no_json_is_named()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "{ not json");
            Assert.Contains(path, Assert.Throws<FormatException>(() => EmulatorConfigFile.Read(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
