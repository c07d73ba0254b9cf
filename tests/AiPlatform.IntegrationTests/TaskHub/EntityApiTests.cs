using AiPlatform.IntegrationTests.Servers;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Microsoft.DurableTask.Client.Entities;
using Microsoft.DurableTask.Entities;

namespace AiPlatform.IntegrationTests.TaskHub;

/// <summary>Our client's and worker's entities on our hub.</summary>
[Collection(TaskHubCollection.Name)]
public sealed class EntityApiTests(PostgresFixture postgres) : IAsyncLifetime
{
    private HubHarness _hub = null!;

    private DurableEntityClient Entities => _hub.Client.Entities;

    public async Task InitializeAsync()
    {
        _hub = await HubHarness.StartAsync(await postgres.CreateDatabaseAsync("taskhub"));
        await _hub.StartWorkerAsync(tasks => tasks
            .AddEntity<Account>()
            .AddActivity<SampleTasks.PlusOne>()
            .AddOrchestrator<SampleTasks.Sequence>()
            .AddOrchestratorFunc<string, int>("Calls", async (context, key) =>
            {
                await context.Entities.SignalEntityAsync(Id(key), "deposit", 5);
                return await context.Entities.CallEntityAsync<int>(Id(key), "deposit", 2);
            })
            .AddOrchestratorFunc<string, string>("Catches", async (context, key) =>
            {
                try
                {
                    await context.Entities.CallEntityAsync(Id(key), "withdraw", 1_000_000);
                    return "nothing was thrown";
                }
                catch (EntityOperationFailedException exception) when (exception.FailureDetails.IsCausedBy<InvalidOperationException>())
                {
                    return exception.FailureDetails.ErrorMessage;
                }
            })
            .AddOrchestratorFunc<Transfer, bool>("Transfers", async (context, transfer) =>
            {
                await using var section = await context.Entities.LockEntitiesAsync(Id(transfer.From), Id(transfer.To));
                var balance = await context.Entities.CallEntityAsync<int>(Id(transfer.From), "balance");
                await context.CreateTimer(TimeSpan.FromMilliseconds(20), CancellationToken.None);
                if (balance < transfer.Amount)
                {
                    return false;
                }

                await context.Entities.CallEntityAsync(Id(transfer.From), "withdraw", transfer.Amount);
                await context.Entities.CallEntityAsync(Id(transfer.To), "deposit", transfer.Amount);
                return true;
            }));
    }

    public async Task DisposeAsync() => await _hub.DisposeAsync();

    [Fact]
    public async Task Signals_change_the_state_in_order_and_calls_are_answered()
    {
        await Entities.SignalEntityAsync(Id("a"), "deposit", 10);
        Assert.Equal(17, (await _hub.RunAsync("Calls", "a")).ReadOutputAs<int>());
        var entity = await Entities.GetEntityAsync<AccountState>(Id("a"));
        Assert.Equal((Id("a"), 17), (entity!.Id, entity.State.Balance));
        Assert.False((await Entities.GetEntityAsync(Id("a"), includeState: false))!.IncludesState);
        Assert.Null(await Entities.GetEntityAsync(Id("nobody")));
    }

    [Fact]
    public async Task A_failed_operation_is_caught_where_it_is_called_and_leaves_the_state()
    {
        await Entities.SignalEntityAsync(Id("poor"), "deposit", 10);
        Assert.Equal("The balance is 10.", (await _hub.RunAsync("Catches", "poor")).ReadOutputAs<string>());
        Assert.Equal(10, (await Entities.GetEntityAsync<AccountState>(Id("poor")))!.State.Balance);
    }

    [Fact]
    public async Task Transfers_in_critical_sections_lose_nothing_and_leave_no_lock()
    {
        await Entities.SignalEntityAsync(Id("x"), "deposit", 100);
        var ended = await Task.WhenAll(Enumerable.Range(0, 12).Select(index => _hub.RunAsync("Transfers", index % 3 == 2 ? new Transfer("y", "x", 10) : new Transfer("x", "y", 30))));
        Assert.All(ended, instance => Assert.Equal(OrchestrationRuntimeStatus.Completed, instance.RuntimeStatus));
        var (x, y) = ((await Entities.GetEntityAsync<AccountState>(Id("x")))!, (await Entities.GetEntityAsync<AccountState>(Id("y")))!);
        Assert.Equal(100, x.State.Balance + y.State.Balance);
        Assert.True(x.State.Balance >= 0 && y.State.Balance >= 0);
        await Eventually.TrueAsync(async () => (await Entities.GetEntityAsync(Id("x")))!.LockedBy is null, "the lock is released");
    }

    [Fact]
    public async Task An_entity_starts_orchestrations_and_signals_entities()
    {
        await Entities.SignalEntityAsync(Id("starter"), "start", "started-1");
        await Eventually.TrueAsync(async () => await _hub.Client.GetInstanceAsync("started-1") is { IsCompleted: true }, "the orchestration ran");
        await Entities.SignalEntityAsync(Id("starter"), "deposit", 3);
        await Entities.SignalEntityAsync(Id("starter"), "forward", "receiver");
        await Eventually.TrueAsync(async () => (await Entities.GetEntityAsync<AccountState>(Id("receiver")))?.State.Balance == 3, "the signal arrived");
    }

    [Fact]
    public async Task Entities_are_listed_page_by_page_and_deleted_ones_are_not()
    {
        for (var index = 0; index < 5; index++)
        {
            await Entities.SignalEntityAsync(Id($"listed-{index}"), "deposit", index);
        }

        var query = new EntityQuery { InstanceIdStartsWith = "account@listed-", PageSize = 2 };
        var found = new List<string>();
        await Eventually.TrueAsync(
            async () =>
            {
                found.Clear();
                await foreach (var entity in Entities.GetAllEntitiesAsync<AccountState>(query))
                {
                    found.Add($"{entity.Id.Key}={entity.State.Balance}");
                }

                return found.Count == 5;
            },
            "all are listed");
        Assert.Equal(Enumerable.Range(0, 5).Select(index => $"listed-{index}={index}"), found.Order(StringComparer.Ordinal));
        await Entities.SignalEntityAsync(Id("listed-0"), "delete");
        await Eventually.TrueAsync(async () => await Entities.GetEntityAsync(Id("listed-0")) is null or { IncludesState: false }, "it is deleted");
        await Entities.CleanEntityStorageAsync();
    }

    private static EntityInstanceId Id(string key) => new(nameof(Account), key);

    internal sealed record AccountState
    {
        public int Balance { get; set; }
    }

    internal sealed record Transfer(string From, string To, int Amount);

    internal sealed class Account : TaskEntity<AccountState>
    {
        public int Balance() => State.Balance;

        public int Deposit(int amount) => State.Balance += amount;

        public void Withdraw(int amount)
        {
            if (State.Balance < amount)
            {
                throw new InvalidOperationException($"The balance is {State.Balance}.");
            }

            State.Balance -= amount;
        }

        public void Forward(string key) => Context.SignalEntity(Id(key), "deposit", State.Balance);

        public string Start(string id) => Context.ScheduleNewOrchestration(nameof(SampleTasks.Sequence), State.Balance, new StartOrchestrationOptions(id));
    }
}
