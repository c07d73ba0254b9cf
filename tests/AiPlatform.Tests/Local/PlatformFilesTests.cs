using System.Net;
using System.Net.Sockets;
using AiPlatform.Hosting;
using AiPlatform.Local.Platform;

namespace AiPlatform.Tests.Local;

public sealed class PlatformFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aip local ").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Secrets_are_made_once_and_only_their_owner_can_read_them()
    {
        var file = Path.Combine(_folder, "secrets.json");

        var first = PlatformSecrets.LoadOrCreate(file);
        var second = PlatformSecrets.LoadOrCreate(file);

        Assert.Equal(first, second);
        Assert.True(Convert.FromBase64String(first.SigningKey).Length >= 32);
        Assert.NotEqual(first.OrchestrationsSecret, first.RunnerSecret);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public void A_file_of_an_earlier_version_gets_what_it_lacks_and_keeps_what_it_has()
    {
        var file = Path.Combine(_folder, "secrets.json");
        var earlier = new { Postgres = "p", SigningKey = "s", OrchestrationsSecret = "o", RunnerSecret = "r", TriggersKey = "t", SharedAccessKey = "k", AdministratorPassword = "a" };
        PrivateFile.Write(file, earlier);

        var secrets = PlatformSecrets.LoadOrCreate(file);

        Assert.Equal(("p", "s", "a"), (secrets.Postgres, secrets.SigningKey, secrets.AdministratorPassword));
        Assert.Equal(64, Convert.FromBase64String(secrets.BlobKey).Length);
        Assert.NotEmpty(secrets.Redis);
        Assert.Equal(secrets, PlatformSecrets.LoadOrCreate(file));
    }

    [Fact]
    public void Two_data_directories_have_different_secrets()
        => Assert.NotEqual(
            PlatformSecrets.LoadOrCreate(Path.Combine(_folder, "a.json")).AdministratorPassword,
            PlatformSecrets.LoadOrCreate(Path.Combine(_folder, "b.json")).AdministratorPassword);

    [Fact]
    public void A_file_is_replaced_in_one_step_and_leaves_nothing_beside_it()
    {
        var file = Path.Combine(_folder, "state.json");
        PrivateFile.Write(file, new AdministratorAccount("a", "1"));
        PrivateFile.Write(file, new AdministratorAccount("b", "2"));

        Assert.Equal(new AdministratorAccount("b", "2"), PrivateFile.Read<AdministratorAccount>(file));
        Assert.Equal([file], Directory.GetFiles(_folder));
        Assert.Null(PrivateFile.Read<AdministratorAccount>(Path.Combine(_folder, "none.json")));
    }

    [Fact]
    public void A_taken_port_is_replaced_by_a_free_one_and_no_port_is_given_twice()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        using var ports = new PlatformPorts(new Dictionary<string, int> { [PlatformPorts.Api] = port });

        Assert.NotEqual(port, ports[PlatformPorts.Api]);
        var all = PlatformPorts.Names.Select(name => ports[name]).Append(ports.Add("runner-1")).Append(ports.Add("runner-2")).ToList();
        Assert.Equal(all.Count, all.Distinct().Count());
    }

    [Fact]
    public void Two_platforms_that_start_together_never_share_a_port()
    {
        using var first = new PlatformPorts(null);
        using (var second = new PlatformPorts(null))
        {
            Assert.Empty(PlatformPorts.Names.Select(name => first[name]).Intersect(PlatformPorts.Names.Select(name => second[name])));
        }

        var wanted = PlatformPorts.Names.ToDictionary(name => name, name => first[name]);
        first.Dispose();
        using var third = new PlatformPorts(wanted);
        Assert.Equal(wanted, PlatformPorts.Names.ToDictionary(name => name, name => third[name]));
    }

    [Fact]
    public void A_data_directory_keeps_its_ports_and_says_which_one_had_to_be_replaced()
    {
        var file = Path.Combine(_folder, "ports.json");
        Dictionary<string, int> ports;
        using (var first = new PlatformPorts(new Dictionary<string, int> { [PlatformPorts.Api] = TcpPorts.Free() }, file))
        {
            ports = PlatformPorts.Names.ToDictionary(name => name, name => first[name]);
        }

        using (var second = new PlatformPorts(null, file))
        {
            Assert.Equal(ports, PlatformPorts.Names.ToDictionary(name => name, name => second[name]));
            Assert.Empty(second.Replaced);
        }

        int replacement;
        using (var taken = new TcpListener(IPAddress.Loopback, ports[PlatformPorts.Api]))
        {
            taken.Start();
            using var third = new PlatformPorts(null, file);
            replacement = third[PlatformPorts.Api];
            Assert.Equal([$"api {ports[PlatformPorts.Api]} → {replacement}"], third.Replaced);
        }

        // From now on it is found there.
        using var fourth = new PlatformPorts(null, file);
        Assert.Equal(replacement, fourth[PlatformPorts.Api]);
        Assert.Empty(fourth.Replaced);
    }

    [Fact]
    public void A_data_directory_that_cannot_be_made_is_named()
    {
        File.WriteAllText(Path.Combine(_folder, "file"), string.Empty);
        var exception = Assert.Throws<InvalidOperationException>(() => DataDirectory.Open(Path.Combine(_folder, "file", "data"), reset: false));
        Assert.Contains("--data", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_data_directory_has_one_launcher_at_a_time()
    {
        using (DataDirectory.Open(_folder, reset: false))
        {
            var exception = Assert.Throws<InvalidOperationException>(() => DataDirectory.Open(_folder, reset: false));
            Assert.Contains(_folder, exception.Message, StringComparison.Ordinal);
        }

        using var again = DataDirectory.Open(_folder, reset: false);
        Assert.True(Directory.Exists(again.Logs));
    }

    [Fact]
    public void A_reset_removes_everything_but_what_a_link_points_to()
    {
        var outside = Directory.CreateTempSubdirectory("aip outside ").FullName;
        try
        {
            File.WriteAllText(Path.Combine(outside, "kept"), "");
            File.WriteAllText(Path.Combine(_folder, "old"), "");
            Directory.CreateSymbolicLink(Path.Combine(_folder, "link"), outside);

            using var directory = DataDirectory.Open(_folder, reset: true);

            Assert.False(File.Exists(directory.In("old")));
            Assert.False(Directory.Exists(directory.In("link")));
            Assert.True(File.Exists(Path.Combine(outside, "kept")));
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }
}
