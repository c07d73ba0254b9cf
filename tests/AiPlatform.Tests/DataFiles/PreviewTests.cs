using System.Globalization;
using System.Text;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;
using CsCheck;

namespace AiPlatform.Tests.DataFiles;

public sealed class PreviewTests
{
    private const string People = "name,age,city,joined,vip\nAnn,30,Paris,2024-01-05,true\nBob,41,,2023-05-01,false\nCy,,Rome,2024-02-01,yes\nDee,18,Paris,2022-12-31,no\n";

    [Theory]
    [InlineData("age >= 30", "Ann,Bob")]
    [InlineData("age = 30 or age < 20", "Ann,Dee")]
    [InlineData("city = 'Paris' and not age > 20", "Dee")]
    [InlineData("city is null", "Bob")]
    [InlineData("age is not null and city is not null", "Ann,Dee")]
    [InlineData("city in ('Rome', 'Paris')", "Ann,Cy,Dee")]
    [InlineData("city not in ('Paris')", "Cy")]
    [InlineData("age in (18, 41)", "Bob,Dee")]
    [InlineData("name startswith 'a' or name endswith 'Y'", "Ann,Cy")]
    [InlineData("name contains 'o'", "Bob")]
    [InlineData("name matches '^[A-C]'", "Ann,Bob,Cy")]
    [InlineData("joined >= '2024-01-01'", "Ann,Cy")]
    [InlineData("name != 'Ann'", "Bob,Cy,Dee")]
    [InlineData("vip = true", "Ann")]
    [InlineData("(age > 20 and city = 'Paris') or `name` == 'Cy'", "Ann,Cy")]
    [InlineData("name = 'it''s'", "")]
    public async Task Conditions_choose_rows(string filter, string names)
    {
        var found = await FilterAsync(People, filter, 10);
        Assert.Equal(names, string.Join(',', found.Rows.Select(static row => row.Values[0])));
        Assert.Equal((true, 4L), (found.IsComplete, found.ScannedRows));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("age", 4)]
    [InlineData("nothing = 1", 1)]
    [InlineData("age >", 6)]
    [InlineData("age > 'x", 7)]
    [InlineData("(age > 1", 9)]
    [InlineData("age > 1 age", 9)]
    [InlineData("age in 1", 8)]
    [InlineData("name matches '('", 14)]
    [InlineData("age is 3", 8)]
    public async Task Conditions_that_cannot_be_understood_are_refused_with_their_place(string filter, int position)
        => Assert.Equal(position, (await Assert.ThrowsAsync<FilterException>(() => FilterAsync(People, filter, 10))).Position);

    [Fact]
    public async Task A_condition_of_any_depth_is_refused_not_followed()
        => await Assert.ThrowsAsync<FilterException>(() => FilterAsync(People, new string('(', 3000) + "age > 1" + new string(')', 900), 10));

    [Fact]
    public async Task Looking_ends_when_the_time_is_over_or_there_are_enough()
    {
        var text = "n\n" + string.Concat(Enumerable.Range(0, 50_000).Select(static i => $"{i}\n"));
        var over = await TablePreview.FilteredAsync(Engines.Shared, Tables.Source(text), FileFormat.Csv, "n > 49000", 5, TimeSpan.Zero, CancellationToken.None);
        Assert.Equal((false, 0), (over.IsComplete, over.Rows.Count));
        var enough = await FilterAsync(text, "n >= 100", 3);
        Assert.Equal([101L, 102L, 103L], enough.Rows.Select(static row => row.Number!.Value));
        Assert.False(enough.IsComplete);
    }

    [Theory]
    [InlineData(FileFormat.Csv)]
    [InlineData(FileFormat.JsonLines)]
    [InlineData(FileFormat.Text)]
    public async Task Random_rows_of_a_large_file_are_whole_rows_from_all_over_it(FileFormat format)
    {
        var text = new StringBuilder(format == FileFormat.Csv ? "id,word\n" : "");
        for (var i = 0; i < 400_000; i++)
        {
            text.Append(format switch
            {
                FileFormat.Csv => $"{i},\"word, {i}\"\n",
                FileFormat.JsonLines => $"{{\"id\":{i},\"word\":\"word, {i}\"}}\n",
                _ => $"{i} word, {i}\n",
            });
        }

        var found = await TablePreview.RandomAsync(Engines.Shared, Tables.Source(text.ToString()), format, 100, 3, CancellationToken.None);
        Assert.Equal(100, found.Rows.Count);
        var ids = found.Rows.Select(row => int.Parse(format == FileFormat.Text ? ((string)row.Values[0]!).Split(' ')[0] : $"{row.Values[0]}", CultureInfo.InvariantCulture)).ToList();
        Assert.All(found.Rows.Zip(ids), pair => Assert.EndsWith($"word, {pair.Second}", (string)pair.First.Values[^1]!, StringComparison.Ordinal));
        Assert.True(ids.Distinct().Count() > 90 && ids.Max() - ids.Min() > 200_000);
    }

    [Fact]
    public async Task Random_rows_of_a_small_file_are_drawn_with_equal_chances()
    {
        var text = "n\n" + string.Concat(Enumerable.Range(0, 1000).Select(static i => $"{i}\n"));
        var hits = new int[10];
        for (var seed = 0; seed < 50; seed++)
        {
            foreach (var row in (await TablePreview.RandomAsync(Engines.Shared, Tables.Source(text), FileFormat.Csv, 20, seed, CancellationToken.None)).Rows)
            {
                hits[(row.Number!.Value - 1) / 100]++;
            }
        }

        Assert.Equal(1000, hits.Sum());
        Assert.All(hits, static count => Assert.InRange(count, 60, 140));
    }

    [Fact]
    public async Task First_rows_of_a_long_text_are_cut_where_a_value_is_long()
    {
        var found = await TablePreview.FirstAsync(Tables.Source($"a,b\n{new string('x', 5000)},1\n"), FileFormat.Csv, 5, CancellationToken.None);
        Assert.Equal(2001, ((string)found.Rows[0].Values[0]!).Length);
    }

    [Fact]
    [Trait("Speed", "Slow")]
    public void Rows_added_changed_and_removed_are_found_after_any_sequence_of_edits()
    {
        var edits = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 60], Gen.Int[0, 1000]).Array[0, 60];
        edits.Sample(steps =>
        {
            var before = Enumerable.Range(0, 40).ToDictionary(static key => key, static key => key * 7);
            var now = new Dictionary<int, int>(before);
            foreach (var (kind, key, value) in steps)
            {
                if (kind == 0)
                {
                    now.Remove(key);
                }
                else
                {
                    now[key] = value;
                }
            }

            var diff = DiffAsync(Write(before), Write(now.OrderByDescending(static pair => pair.Key % 13)), "key").GetAwaiter().GetResult();
            return diff.Added == now.Keys.Except(before.Keys).Count() && diff.Removed == before.Keys.Except(now.Keys).Count()
                && diff.Changed == now.Count(pair => before.TryGetValue(pair.Key, out var old) && old != pair.Value)
                && diff.Unchanged == now.Count(pair => before.TryGetValue(pair.Key, out var old) && old == pair.Value)
                && diff.ChangedRows.All(row => $"{row.Cells.Single().Before}" == $"{before[Key(row)]}" && $"{row.Cells.Single().Now}" == $"{now[Key(row)]}")
                && diff.RemovedRows.All(row => !now.ContainsKey(Key(row)) && $"{row.Cells.Single().Before}" == $"{before[Key(row)]}")
                && diff.AddedRows.All(row => !before.ContainsKey(Key(row)) && $"{row.Cells.Single().Now}" == $"{now[Key(row)]}");
        }, iter: 300);
    }

    [Fact]
    public async Task Rows_are_compared_across_formats_and_by_several_columns()
    {
        var diff = await RowDiffer.CompareAsync(
            Engines.Shared, (Tables.Source("a,b,c\n1,x,1.0\n1,y,2\n2,x,3\n"), FileFormat.Csv),
            (Tables.Source("{\"b\":\"x\",\"a\":1,\"c\":1}\n{\"b\":\"y\",\"a\":1,\"c\":5}\n{\"b\":\"x\",\"a\":1,\"c\":9}\n"), FileFormat.JsonLines), ["a", "b"], 10, CancellationToken.None);
        Assert.Equal((0L, 1L, 1L, 1L, 1L), (diff.Added, diff.Removed, diff.Changed, diff.Unchanged, diff.DuplicateKeys));
        Assert.Equal(["a", "b", "c"], diff.Columns);
    }

    [Fact]
    public async Task A_key_that_is_not_in_both_is_refused()
        => Assert.Equal("noColumn", (await Assert.ThrowsAsync<RowDiffException>(() => DiffAsync("a,b\n1,2\n2,3\n", "a,c\n1,2\n2,3\n", "b"))).Reason);

    [Fact]
    public void Applying_the_schema_changes_gives_the_new_schema()
    {
        var schema = Tables.Pick("a", "b", "c", "d", "e", "f", "g").Array[0, 7].Select(Tables.Pick("Integer", "Text").Array[7], static (names, types) =>
            names.Distinct().Select((name, index) => new SchemaColumn(name, types[index])).ToArray());
        Gen.Select(schema, schema).Sample(static (before, now) =>
        {
            var changes = SchemaDiff.Compare(before, now);
            var columns = before.ToDictionary(static column => column.Name, static column => column.Type, StringComparer.Ordinal);
            foreach (var change in changes)
            {
                switch (change.Change)
                {
                    case "removed":
                        columns.Remove(change.Column);
                        break;
                    case "added" or "type":
                        columns[change.Column] = change.Now!;
                        break;
                }
            }

            var isSame = before.SequenceEqual(now);
            return columns.OrderBy(static pair => pair.Key).SequenceEqual(now.ToDictionary(static column => column.Name, static column => column.Type).OrderBy(static pair => pair.Key)) && isSame == (changes.Count == 0);
        }, iter: 2000);
    }

    private static Task<TableRows> FilterAsync(string csv, string filter, int count)
        => TablePreview.FilteredAsync(Engines.Shared, Tables.Source(csv), FileFormat.Csv, filter, count, TimeSpan.FromMinutes(1), CancellationToken.None);

    private static Task<RowDiff> DiffAsync(string before, string now, string key)
        => RowDiffer.CompareAsync(Engines.Shared, (Tables.Source(before), FileFormat.Csv), (Tables.Source(now), FileFormat.Csv), [key], 1000, CancellationToken.None);

    private static string Write(IEnumerable<KeyValuePair<int, int>> rows) => "key,value\n" + string.Concat(rows.Select(static pair => $"{pair.Key},{pair.Value}\n"));

    private static int Key(RowChange row) => int.Parse($"{row.Key[0]}", CultureInfo.InvariantCulture);
}
