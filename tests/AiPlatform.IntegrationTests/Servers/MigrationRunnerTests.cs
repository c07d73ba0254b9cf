using AiPlatform.Hosting.Migrations;
using Dapper;
using Npgsql;

namespace AiPlatform.IntegrationTests.Servers;

[Collection(ServersCollection.Name)]
public sealed class MigrationRunnerTests(PostgresFixture postgres)
{
    private const long Lock = 0x7465_7374;

    private static readonly MigrationScript[] Scripts =
    [
        new("App.Migrations.0002_more.sql", "ALTER TABLE item ADD COLUMN size int; UPDATE item SET size = 7;"),
        new("App.Migrations.0001_item.sql", "CREATE TABLE item (name text); INSERT INTO item VALUES ('first;one');"),
    ];

    public static TheoryData<string> Journals => ["numbers", "names"];

    [Theory]
    [MemberData(nameof(Journals))]
    public async Task Scripts_run_once_in_the_order_of_their_names(string form)
    {
        await using var connection = await OpenAsync($"migrated_{form}");

        Assert.Equal(["App.Migrations.0001_item.sql", "App.Migrations.0002_more.sql"], await RunAsync(connection, form, Scripts));
        Assert.Empty(await RunAsync(connection, form, Scripts));
        Assert.Equal(7, await connection.ExecuteScalarAsync<int>("SELECT size FROM item"));
    }

    [Theory]
    [MemberData(nameof(Journals))]
    public async Task A_script_that_comes_later_runs_although_one_with_a_higher_number_has_run(string form)
    {
        await using var connection = await OpenAsync($"migrated_late_{form}");
        MigrationScript[] first = [Scripts[1], new("App.Migrations.0009_other.sql", "CREATE TABLE other ()")];
        await RunAsync(connection, form, first);

        Assert.Equal(["App.Migrations.0002_more.sql"], await RunAsync(connection, form, [.. first, Scripts[0]]));
    }

    [Fact]
    public async Task A_journal_that_DbUp_wrote_goes_on()
    {
        await using var connection = await OpenAsync("migrated_by_dbup");
        await connection.ExecuteAsync(
            """
            CREATE TABLE "schemaversions" (schemaversionsid serial NOT NULL, scriptname character varying(255) NOT NULL, applied timestamp without time zone NOT NULL,
                CONSTRAINT "PK_schemaversions_Id" PRIMARY KEY (schemaversionsid));
            CREATE TABLE item (name text);
            INSERT INTO item VALUES ('kept');
            INSERT INTO "schemaversions" (ScriptName, Applied) VALUES ('App.Migrations.0001_item.sql', now())
            """);

        Assert.Equal(["App.Migrations.0002_more.sql"], await RunAsync(connection, "names", Scripts));
        Assert.Equal(["kept"], await connection.QueryAsync<string>("SELECT name FROM item"));
        Assert.Equal(Scripts.Select(static script => script.Name).Order(StringComparer.Ordinal), await connection.QueryAsync<string>("SELECT scriptname FROM schemaversions ORDER BY 1"));
    }

    [Theory]
    [InlineData("schema_versions")]
    [InlineData("schema_version")]
    public async Task A_journal_of_numbers_of_the_hub_or_the_broker_goes_on(string table)
    {
        await using var connection = await OpenAsync($"migrated_{table}");
        await connection.ExecuteAsync(
            $"""
            CREATE TABLE {table} (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now());
            INSERT INTO {table} (version) VALUES (1);
            CREATE TABLE item (name text)
            """);

        Assert.Equal(["App.Migrations.0002_more.sql"], await MigrationRunner.RunAsync(connection, Lock, MigrationJournal.OfNumbers(table), Scripts, CancellationToken.None));
        Assert.Equal([1, 2], await connection.QueryAsync<int>($"SELECT version FROM {table} ORDER BY 1"));
    }

    [Fact]
    public async Task Of_a_script_that_fails_nothing_is_kept_and_it_is_named()
    {
        await using var connection = await OpenAsync("migrated_badly");
        MigrationScript[] scripts = [.. Scripts, new("App.Migrations.0003_bad.sql", "CREATE TABLE half (); SELECT 1 / 0;")];

        var failure = await Assert.ThrowsAsync<MigrationException>(() => RunAsync(connection, "names", scripts));

        Assert.Equal("App.Migrations.0003_bad.sql", failure.Script);
        Assert.False(await connection.ExecuteScalarAsync<bool>("SELECT to_regclass('half') IS NOT NULL"));
        Assert.Equal(2, await connection.ExecuteScalarAsync<int>("SELECT count(*) FROM schemaversions"));
    }

    [Fact]
    public async Task Processes_that_start_together_run_each_script_once()
    {
        var connectionString = await postgres.CreateDatabaseAsync("migrated_together");
        var scripts = Enumerable.Range(1, 20).Select(static number => new MigrationScript($"App.Migrations.{number:0000}_step.sql", $"CREATE TABLE step_{number} ()")).ToArray();

        var run = await Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            await using var connection = new NpgsqlConnection(connectionString);
            await connection.OpenAsync();
            return await RunAsync(connection, "names", scripts);
        }));

        Assert.Equal(scripts.Select(static script => script.Name), run.SelectMany(static names => names).Order(StringComparer.Ordinal));
    }

    private static Task<IReadOnlyList<string>> RunAsync(NpgsqlConnection connection, string form, MigrationScript[] scripts)
        => MigrationRunner.RunAsync(
            connection, Lock, form == "names" ? MigrationJournal.OfNames("schemaversions") : MigrationJournal.OfNumbers("schema_versions"), scripts, CancellationToken.None);

    private async Task<NpgsqlConnection> OpenAsync(string database)
    {
        var connection = new NpgsqlConnection(await postgres.CreateDatabaseAsync(database));
        await connection.OpenAsync();
        return connection;
    }
}
