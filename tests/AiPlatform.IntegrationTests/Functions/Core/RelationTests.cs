using System.Reflection;
using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Ports.Tracking;
using Dapper;
using Npgsql;

namespace AiPlatform.IntegrationTests.Functions.Core;

/// <summary>Every relation that an area publishes for the statements of others.</summary>
[Collection(ServersCollection.Name)]
[Trait("Area", "All")]
public sealed class RelationTests(RelationTests.MigratedDatabase database) : IClassFixture<RelationTests.MigratedDatabase>
{
    public static TheoryData<string> Relations => [.. Published().Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Relations))]
    public async Task A_relation_names_its_columns_and_is_merged_into_the_statement_around_it(string name)
    {
        var relation = Published()[name];
        Assert.DoesNotContain('*', relation);

        // Neither an outer join nor a condition on it leaves a step of its own in the plan.
        await using var connection = new NpgsqlConnection(database.Postgres);
        var plan = string.Join('\n', await connection.QueryAsync<string>(
            $"EXPLAIN SELECT v.n, x FROM (VALUES ('a'), ('b')) AS v (n) LEFT JOIN {relation} x ON x::text = v.n WHERE v.n <> 'c'"));
        Assert.DoesNotContain("Subquery Scan", plan, StringComparison.Ordinal);
        Assert.Contains("Scan", plan, StringComparison.Ordinal);
    }

    [Fact]
    public void The_relations_of_all_areas_are_found()
        => Assert.Equal(
            ["ComputeRelations", "DataRelations", "IdentityRelations", "OperationsRelations", "RegistryRelations", "TrackingRelations"],
            Published().Keys.Select(static name => name.Split('.')[0]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));

    private static Dictionary<string, string> Published()
        => typeof(TrackingRelations).Assembly.GetTypes().Where(static type => type.Name.EndsWith("Relations", StringComparison.Ordinal))
            .SelectMany(static type => type.GetFields(BindingFlags.Public | BindingFlags.Static))
            .ToDictionary(static field => $"{field.DeclaringType!.Name}.{field.Name}", static field => (string)field.GetRawConstantValue()!, StringComparer.Ordinal);

    /// <summary>A database with nothing but the migrations.</summary>
    public sealed class MigratedDatabase(PostgresFixture postgres) : IAsyncLifetime
    {
        public string Postgres { get; private set; } = string.Empty;

        /// <inheritdoc />
        public async Task InitializeAsync() => Postgres = await postgres.CreateMigratedAsync("relations");

        /// <inheritdoc />
        public Task DisposeAsync() => Task.CompletedTask;
    }
}
