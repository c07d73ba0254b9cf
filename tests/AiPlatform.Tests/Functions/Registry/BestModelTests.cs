using AiPlatform.Registry.Models;

namespace AiPlatform.Tests.Functions.Registry;

public sealed class BestModelTests
{
    [Fact]
    public void A_higher_accuracy_and_a_lower_loss_are_better()
    {
        Assert.True(Rank(("val_accuracy", 0.9)).CompareTo(Rank(("val_accuracy", 0.8))) > 0);
        Assert.True(Rank(("loss", 0.1)).CompareTo(Rank(("loss", 0.2))) > 0);
    }

    [Fact]
    public void Validation_counts_before_training_accuracy_before_loss_and_something_before_nothing()
    {
        Assert.True(Rank(("accuracy", 0.99), ("val_accuracy", 0.9)).CompareTo(Rank(("accuracy", 1), ("val_accuracy", 0.8))) > 0);
        Assert.True(Rank(("accuracy", 0.1)).CompareTo(Rank(("val_loss", 0.001))) > 0);
        Assert.True(Rank(("loss", 100)).CompareTo(Rank()) > 0);
        Assert.Equal(Rank(), Rank(("epoch", 5), ("val_accuracy", double.NaN)));
        Assert.Equal(BestModel.Rank(null), Rank());
    }

    private static (int Kind, double Value) Rank(params (string Key, double Value)[] metrics)
        => BestModel.Rank(metrics.ToDictionary(metric => metric.Key, metric => metric.Value));
}
