using System.Text;
using AiPlatform.DataFiles.Preview;
using AiPlatform.DataFiles.Sources;
using AiPlatform.DataFiles.Tables;

namespace AiPlatform.Tests.DataFiles;

/// <summary>Text of many languages in the encodings that its writers use is read as what it is, and the answer says how sure that is.</summary>
public sealed class EncodingTests
{
    static EncodingTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    [Theory]
    [InlineData("gb18030", "gb18030", "姓名,年龄\n张三,3\n李四,4\n")]
    [InlineData("gb18030", "gb18030", "id,city\n1,北京\n2,上海\n3,广州\n4,深圳\n")]
    [InlineData("gb18030", "gb18030", "姓名,备注\n李四,𠮷野家\n张三,这是一个很长的中文备注\n")]
    [InlineData("gb18030", "gb18030", "姓名\n张三\n")]
    [InlineData("shift_jis", "shift_jis", "名前\n田中\n")]
    [InlineData("big5", "big5", "姓名,城市\n王小明,台北市\n陳大文,高雄市\n林美玲,臺中市\n")]
    [InlineData("big5", "big5", "編號,說明\n1,這是繁體中文的說明文字，用於測試編碼偵測\n2,資料表格與統計分析\n")]
    [InlineData("shift_jis", "shift_jis", "名前,都市\n田中太郎,東京\n鈴木花子,大阪\n佐藤次郎,名古屋\n")]
    [InlineData("shift_jis", "shift_jis", "商品,価格\nりんご,100\nみかん,200\nバナナ,300\n")]
    [InlineData("euc-jp", "euc-jp", "名前,都市\n田中太郎,東京\n鈴木花子,大阪\n佐藤次郎,名古屋\n")]
    [InlineData("euc-kr", "euc-kr", "이름,도시\n김철수,서울\n이영희,부산\n박민수,대구\n")]
    [InlineData("ks_c_5601-1987", "euc-kr", "제품,가격\n사과,100\n바나나,200\n딸기,300\n")]
    [InlineData("windows-1251", "windows-1251", "имя,город\nИван,Москва\nМария,Санкт-Петербург\nПётр,Казань\n")]
    [InlineData("windows-1251", "windows-1251", "id,name\n1,Анна\n2,Борис\n")]
    [InlineData("koi8-r", "koi8-r", "имя,город\nИван,Москва\nМария,Санкт-Петербург\nПётр,Казань\n")]
    [InlineData("windows-1250", "windows-1250", "jméno,město\nŘehoř,Plzeň\nŽofie,Děčín\nŁukasz,Łódź\n")]
    [InlineData("windows-1252", "windows-1252", "name,note\nA,it’s “quoted” – 5 €\nB,café\n")]
    [InlineData("iso-8859-1", "latin1", "name,city\nJosé,São Paulo\nMüller,München\nFrançois,Besançon\nZoë,Malmö\n")]
    [InlineData("windows-1254", "windows-1254", "isim,şehir\nAyşe,İstanbul\nÇağrı,Iğdır\nGökhan,Muğla\n")]
    [InlineData("windows-1253", "iso-8859-7", "όνομα,πόλη\nΓιώργος,Αθήνα\nΜαρία,Θεσσαλονίκη\n")]
    [InlineData("windows-1255", "windows-1255", "שם,עיר\nדוד,ירושלים\nשרה,תל אביב\n")]
    [InlineData("windows-1256", "windows-1256", "الاسم,المدينة\nمحمد,القاهرة\nفاطمة,الرياض\n")]
    [InlineData("windows-874", "windows-874", "ชื่อ,เมือง\nสมชาย,กรุงเทพ\nสมหญิง,เชียงใหม่\n")]
    public async Task Text_is_read_as_it_was_written(string written, string found, string text)
    {
        foreach (var repeats in (int[])[1, 40])
        {
            var lines = text.Split('\n');
            var content = lines[0] + "\n" + string.Concat(Enumerable.Repeat(string.Join('\n', lines[1..]), repeats));
            var source = new MemorySource(Encoding.GetEncoding(written).GetBytes(content));
            var rows = await TablePreview.FirstAsync(source, FileFormat.Csv, 10, CancellationToken.None);
            Assert.Equal(found, rows.Dialect!.Encoding);
            Assert.InRange(rows.Dialect.EncodingConfidence, 0.3, 0.99);
            Assert.Equal(lines[0], string.Join(',', rows.Columns.Select(static column => column.Name)));
            Assert.Equal(lines[1], string.Join(',', rows.Rows[0].Values));
            Assert.Empty(rows.Issues);
        }
    }

    [Fact]
    public async Task One_character_of_four_bytes_among_thousands_does_not_make_GB18030_mojibake()
    {
        var text = "姓名,备注\n" + string.Concat(Enumerable.Repeat("张三,这是一个很长的中文备注说明用于检测编码\n", 200)) + "李四,𠀀三亲子\n";
        var bytes = Encoding.GetEncoding("gb18030").GetBytes(text);
        Assert.True(bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x95, 0x32, 0x82, 0x36]) > 0);
        var (names, rows, issues) = await Tables.ReadAsync(new MemorySource(bytes), FileFormat.Csv);
        Assert.Equal(["姓名", "备注"], names);
        Assert.Equal(["李四", "𠀀三亲子"], rows[200]);
        Assert.Equal(0, issues.Count);
    }

    [Fact]
    public async Task The_first_letter_that_is_not_ASCII_may_come_late()
    {
        var text = "id,name\n" + string.Concat(Enumerable.Range(0, 60_000).Select(static i => $"{i},plain\n")) + string.Concat(Enumerable.Repeat("7,Москва и Казань\n", 200));
        var (_, rows, issues) = await Tables.ReadAsync(new MemorySource(Encoding.GetEncoding("windows-1251").GetBytes(text)), FileFormat.Csv);
        Assert.Equal("Москва и Казань", rows[^1][1]);
        Assert.Equal(0, issues.Count);
    }

    [Fact]
    public async Task The_encoding_that_is_told_is_used_and_an_unknown_one_is_known_to_be_none()
    {
        const string Text = "a,b\nя,ж\n";
        var bytes = Encoding.GetEncoding("koi8-r").GetBytes(Text);
        var rows = await TablePreview.FirstAsync(new MemorySource(bytes), new TableFormat(FileFormat.Csv, new ReadOptions("KOI8-R")), 10, CancellationToken.None);
        Assert.Equal(("koi8-r", 1d), (rows.Dialect!.Encoding, rows.Dialect.EncodingConfidence));
        Assert.Equal(["я", "ж"], rows.Rows[0].Values);
        Assert.False(ReadOptions.IsEncoding("klingon"));
        Assert.False(ReadOptions.IsEncoding("utf-7"));
        Assert.All((string[])["utf-8", "GBK", "cp1251", "latin1", "Shift_JIS", "big5", "euc-kr", "utf-16le"], static name => Assert.True(ReadOptions.IsEncoding(name), name));
    }

    [Fact]
    public async Task A_mark_at_the_beginning_is_no_text_when_the_encoding_is_told()
    {
        byte[] bytes = [0xEF, 0xBB, 0xBF, .. "a,b\n1,2\n"u8];
        using var reader = await TableFile.OpenAsync(new MemorySource(bytes), new TableFormat(FileFormat.Csv, new ReadOptions("utf-8")), CancellationToken.None);
        Assert.Equal("a", reader.Columns[0].Name);
    }
}
