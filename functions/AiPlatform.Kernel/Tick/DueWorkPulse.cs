using AiPlatform.Hosting;
using AiPlatform.Kernel.Postgres;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace AiPlatform.Kernel.Tick;

/// <summary>How often the database is asked what is due; section <c>DueWork</c>.</summary>
public sealed class DueWorkOptions
{
    public const string Section = "DueWork";

    /// <summary>The pause between two looks: how late work may begin that no wake announced.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);
}

/// <summary>Asks the database at regular times what is due, and wakes whose work it is.</summary>
public sealed class DueWorkPulse : BackgroundLoop
{
    private readonly Database _database;
    private readonly StartupState _state;
    private readonly IOptions<DueWorkOptions> _options;
    private readonly TimeProvider _time;
    private readonly IDueWork[] _works;
    private readonly string _sql;

    public DueWorkPulse(
        Database database, IEnumerable<IDueWork> works, StartupState state, IOptions<DueWorkOptions> options, TimeProvider time, ILogger<DueWorkPulse> logger)
        : base(time, logger)
    {
        (_database, _works, _state, _options, _time) = (database, [.. works], state, options, time);
        _sql = $"SELECT {string.Join(", ", _works.Select(static work => $"({work.DueCondition})"))} FROM (SELECT $1::timestamptz AS now) clock".Replace("@now", "clock.now", StringComparison.Ordinal);
    }

    /// <inheritdoc />
    protected override TimeSpan IdleDelay => _options.Value.Interval;

    /// <inheritdoc />
    protected override async Task<bool> StepAsync(CancellationToken cancellationToken)
    {
        await _state.WaitAsync(cancellationToken);
        try
        {
            await LookAsync(cancellationToken);
        }
        catch (NpgsqlException)
        {
            Array.ForEach(_works, static work => work.LookFailed());
            throw;
        }

        return false;
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        await using var connection = await _database.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(_sql, connection) { Parameters = { new() { Value = _time.GetUtcNow().UtcDateTime, NpgsqlDbType = NpgsqlDbType.TimestampTz } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        for (var i = 0; i < _works.Length; i++)
        {
            _works[i].Looked(reader.GetBoolean(i));
        }
    }
}
