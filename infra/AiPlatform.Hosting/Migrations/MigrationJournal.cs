using System.Globalization;

namespace AiPlatform.Hosting.Migrations;

/// <summary>
/// The table in which a database says which steps it has had. There are two forms, for databases of both exist: what was applied once
/// must not be applied again, whatever wrote it down.
/// </summary>
public sealed class MigrationJournal
{
    private readonly Func<MigrationScript, string> _key;

    private MigrationJournal(string create, string read, string record, Func<MigrationScript, string> key)
    {
        (Create, Read, Record, _key) = (create, read, record, key);
    }

    internal string Create { get; }

    internal string Read { get; }

    /// <summary>Takes a script's key as text.</summary>
    internal string Record { get; }

    /// <summary>A journal of the numbers with which file names begin: <c>0001_initial.sql</c> is 1.</summary>
    /// <param name="table">The table, a plain identifier.</param>
    public static MigrationJournal OfNumbers(string table) => new(
        $"CREATE TABLE IF NOT EXISTS {table} (version int PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
        $"SELECT version::text FROM {table}",
        $"INSERT INTO {table} (version) VALUES ($1::int)",
        static script => NumberOf(script.Name).ToString(CultureInfo.InvariantCulture));

    /// <summary>A journal of whole names, in the form in which DbUp keeps one.</summary>
    /// <param name="table">The table, a plain identifier.</param>
    public static MigrationJournal OfNames(string table) => new(
        $"CREATE TABLE IF NOT EXISTS {table} (schemaversionsid serial PRIMARY KEY, scriptname varchar(255) NOT NULL, applied timestamp NOT NULL)",
        $"SELECT scriptname FROM {table}",
        $"INSERT INTO {table} (scriptname, applied) VALUES ($1, localtimestamp)",
        static script => script.Name);

    /// <summary>What the journal calls a script.</summary>
    internal string KeyOf(MigrationScript script) => _key(script);

    private static int NumberOf(string name)
    {
        const string Folder = "Migrations.";
        var digits = name.AsSpan(name.LastIndexOf(Folder, StringComparison.Ordinal) is var at and >= 0 ? at + Folder.Length : 0);
        var end = digits.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ArgumentException($"The name of migration '{name}' does not begin with a number.", nameof(name));
    }
}
