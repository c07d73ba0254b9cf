using AiPlatform.IntegrationTests.Servers;
using AiPlatform.Kernel.Delivery;
using AiPlatform.Kernel.Postgres;
using AiPlatform.Kernel.Tick;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace AiPlatform.IntegrationTests.Functions.Core.Delivery;

/// <summary>A database with a table of letters, and engines over it.</summary>
internal sealed class DeliveryWorld : IAsyncDisposable
{
    private readonly List<Func<Task>> _stops = [];

    private DeliveryWorld(Database database) => Database = database;

    public Database Database { get; }

    public static async Task<DeliveryWorld> StartAsync(PostgresFixture postgres)
    {
        var world = new DeliveryWorld(new Database(await postgres.CreateDatabaseAsync("delivery")));
        await world.ExecuteAsync(
            """
            CREATE TABLE boxes (id text COLLATE "C" PRIMARY KEY, open boolean NOT NULL DEFAULT true, told integer NOT NULL DEFAULT 0);
            CREATE TABLE letters (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, box text COLLATE "C" NOT NULL, kind text NOT NULL DEFAULT 'letter', text text NOT NULL,
                attempts integer NOT NULL DEFAULT 0, due_at timestamptz NOT NULL DEFAULT now(), parked boolean NOT NULL DEFAULT false, last_error text,
                created_at timestamptz NOT NULL DEFAULT now());
            """);
        return world;
    }

    /// <summary>An instance's engine, and what looks for due rows beside it.</summary>
    public async Task<DeliveryLoop<TChannel, Letter>> AddAsync<TChannel>(TChannel channel)
        where TChannel : class, IDeliveryChannel<Letter>
    {
        var state = new StartupState();
        state.SetReady();
        var loop = new DeliveryLoop<TChannel, Letter>(channel, Database, state, TimeProvider.System, NullLogger<TChannel>.Instance);
        var pulse = new DueWorkPulse(
            Database, [loop], state, Options.Create(new DueWorkOptions { Interval = TimeSpan.FromMilliseconds(50) }), TimeProvider.System, NullLogger<DueWorkPulse>.Instance);
        await loop.StartAsync(CancellationToken.None);
        await pulse.StartAsync(CancellationToken.None);
        _stops.Add(async () =>
        {
            await pulse.StopAsync(CancellationToken.None);
            await loop.StopAsync(CancellationToken.None);
            pulse.Dispose();
            loop.Dispose();
        });
        return loop;
    }

    public Task AddAsync(params (string Box, string Text)[] letters)
        => ExecuteAsync(
            "INSERT INTO letters (box, text) SELECT u.box, u.text FROM unnest(@boxes, @texts) WITH ORDINALITY AS u (box, text, place) ORDER BY u.place",
            new { boxes = letters.Select(static letter => letter.Box).ToArray(), texts = letters.Select(static letter => letter.Text).ToArray() });

    public async Task<int> CountAsync(string condition = "true") => await ScalarAsync<int>($"SELECT count(*)::int FROM letters WHERE {condition}");

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = await Database.OpenAsync(CancellationToken.None);
        return (await connection.ExecuteScalarAsync<T>(sql))!;
    }

    public async Task ExecuteAsync(string sql, object? parameters = null)
    {
        await using var connection = await Database.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync(sql, parameters);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var stop in _stops)
        {
            await stop();
        }

        await Database.DisposeAsync();
    }
}
