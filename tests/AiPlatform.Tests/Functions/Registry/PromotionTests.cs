using System.Text.Json;
using AiPlatform.Contracts;
using AiPlatform.Contracts.Models;
using AiPlatform.Kernel.Access;
using AiPlatform.Kernel.Errors;
using AiPlatform.Registry.Models;
using AiPlatform.Registry.Models.Promotions;
using CsCheck;

namespace AiPlatform.Tests.Functions.Registry;

public sealed class PromotionTests
{
    [Fact]
    public void Only_pending_requests_go_on()
    {
        foreach (var from in Enum.GetValues<PromotionStatus>())
        {
            foreach (var to in Enum.GetValues<PromotionStatus>())
            {
                Assert.Equal(from == PromotionStatus.Pending && to != PromotionStatus.Pending, PromotionTransitions.Allows(from, to));
            }
        }

        var refused = Assert.Throws<ApiException>(() => PromotionTransitions.Require(PromotionStatus.Rejected, PromotionStatus.Approved));
        Assert.Equal([ErrorCodes.IllegalTransition, "promotion", "rejected", "approved"], [refused.Code, .. refused.Arguments]);
    }

    [Fact]
    public void A_threshold_holds_exactly_when_the_comparison_does()
        => Gen.Select(Gen.Double[-10, 10], Gen.Double[-10, 10], Gen.Double[-10, 10], Gen.Bool, Gen.Bool).Sample((value, own, current, relative, most) =>
        {
            var threshold = new MetricThreshold("m", most ? ThresholdComparison.AtMost : ThresholdComparison.AtLeast, value, relative);
            var limit = relative ? current + value : value;
            Assert.Equal(most ? own <= limit : own >= limit, EvidenceReader.Metric(threshold, Values(own), Values(current)).Passed);
        });

    [Fact]
    public void What_is_not_there_or_no_number_reaches_nothing_and_what_has_no_rival_only_has_to_be_there()
    {
        var absolute = new MetricThreshold("m", ThresholdComparison.AtMost, 1);
        var relative = new MetricThreshold("m", ThresholdComparison.AtLeast, 0.1, RelativeToCurrent: true);
        Assert.Equal(new PromotionEvidence(EvidenceKind.Metric, "m", false, "<= 1", null, null), EvidenceReader.Metric(absolute, new Dictionary<string, double>(), null));
        Assert.False(EvidenceReader.Metric(absolute, Values(double.NaN), null).Passed);
        Assert.False(EvidenceReader.Metric(relative, Values(double.NaN), null).Passed);
        Assert.True(EvidenceReader.Metric(relative, Values(-5), null).Passed);
        Assert.True(EvidenceReader.Metric(relative, Values(-5), new Dictionary<string, double> { ["other"] = 1 }).Passed);
    }

    [Theory]
    [InlineData("member", true, PromotionApprover.Maintainer, null)]
    [InlineData("member", false, PromotionApprover.Maintainer, ErrorCodes.Forbidden)]
    [InlineData("member", true, PromotionApprover.Administrator, ErrorCodes.Forbidden)]
    [InlineData("administrator", false, PromotionApprover.Administrator, null)]
    [InlineData("administrator", false, PromotionApprover.Maintainer, null)]
    [InlineData("service", true, PromotionApprover.Maintainer, ErrorCodes.Forbidden)]
    [InlineData("requester", true, PromotionApprover.Maintainer, ErrorCodes.OwnRequest)]
    [InlineData("requester", true, PromotionApprover.Maintainer, null, true)]
    [InlineData("requester", false, PromotionApprover.Maintainer, ErrorCodes.Forbidden, true)]
    [InlineData("requester", true, PromotionApprover.Administrator, ErrorCodes.Forbidden, true)]
    public void Somebody_else_with_the_needed_role_decides_unless_the_rule_allows_self_approval(
        string who, bool maintainer, PromotionApprover approver, string? code, bool self = false)
    {
        var row = new PromotionRow
        {
            Id = "p", ProjectId = "p", ModelId = "m", ModelName = "m", Name = "production", Evidence = "[]", RequestedBy = "requester", RequestedByName = "r",
        };
        var rule = new PromotionRule(new PromotionTarget(PromotionTargetKind.Stage, "production"), [], false, null, approver, 1, null, default, self);
        var role = who switch { "administrator" => CallerRole.Administrator, "service" => CallerRole.Service, _ => CallerRole.Member };
        var refused = Record.Exception(() => PromotionStore.RequireApprover(row, new Caller(who, who, role), maintainer, rule)) as ApiException;
        Assert.Equal(code, refused?.Code);
    }

    [Theory]
    [InlineData("""{"inputs":[{"name":"x","type":"double"},{"type":"string"}],"outputs":"[{\"type\":\"tensor\",\"tensor-spec\":{\"dtype\":\"float32\"}}]","params":null}""", true)]
    [InlineData("""{"inputs":"not json"}""", false)]
    [InlineData("""{"inputs":[1]}""", false)]
    [InlineData("""{"others":[]}""", false)]
    [InlineData("[]", false)]
    public void Signatures_are_those_of_mlflow(string json, bool valid)
    {
        var signature = JsonSerializer.Deserialize<JsonElement>(json);
        Assert.Equal(valid, Record.Exception(() => ModelChecks.Signature(signature)) is null);
        if (valid)
        {
            Assert.Equal(
                new Dictionary<string, string> { ["inputs.x"] = "type: double", ["inputs.1"] = "type: string", ["outputs.0"] = "type: tensor, tensor-spec: {\"dtype\":\"float32\"}" },
                ModelSignature.Flatten(signature));
        }
    }

    [Theory]
    [InlineData("champion", true)]
    [InlineData("a-b_9", true)]
    [InlineData("Latest", false)]
    [InlineData("v12", false)]
    [InlineData("12", false)]
    [InlineData("a b", false)]
    [InlineData("", false)]
    public void Aliases_cannot_be_taken_for_versions(string alias, bool valid)
        => Assert.Equal(valid, Record.Exception(() => ModelMoves.CheckAlias(alias, "alias")) is null);

    private static Dictionary<string, double> Values(double value) => new(StringComparer.Ordinal) { ["m"] = value };
}
