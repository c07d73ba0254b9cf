using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AiPlatform.Contracts.Jobs;
using AiPlatform.Contracts.Projects;

namespace AiPlatform.IntegrationTests.Platform;

/// <summary>
/// Job code shares the network with the whole platform. A job that tries every port that listens, without credentials, in the language of
/// each server, gets nothing; and it finds no credential in what it can read.
/// </summary>
[Collection(PlatformJobsCollection.Name)]
public sealed partial class HostileJobTests
{
    private const string Code =
        """
        import concurrent.futures, itertools, json, os, pathlib, socket, struct, urllib.error, urllib.request

        def listening():
            ports = set()
            for table in ("/proc/net/tcp", "/proc/net/tcp6"):
                with open(table) as lines:
                    for line in list(lines)[1:]:
                        fields = line.split()
                        if fields[3] == "0A":
                            ports.add(int(fields[1].split(":")[1], 16))
            return sorted(ports)

        def talk(port, data, wait=1.5):
            answer = b""
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=wait) as peer:
                    peer.settimeout(wait)
                    peer.sendall(data)
                    while len(answer) < 65536:
                        part = peer.recv(65536)
                        if not part:
                            break
                        answer += part
            except OSError:
                pass
            return answer

        def http(port, path, method="GET", headers=None):
            request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method, headers=headers or {}, data=b"{}" if method == "POST" else None)
            try:
                with urllib.request.urlopen(request, timeout=3) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                return error.code
            except Exception:
                return None

        # HTTP/2 with literal headers: a call without a library.
        def field(name, value):
            return b"\x00" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()

        def frame(kind, flags, stream, body):
            return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body

        def grpc(port, method, message=b"", token=None):
            headers = field(":method", "POST") + field(":scheme", "http") + field(":path", "/TaskHubSidecarService/" + method)
            headers += field(":authority", f"127.0.0.1:{port}") + field("content-type", "application/grpc") + field("te", "trailers") + field("taskhub", "platform")
            if token:
                headers += field("authorization", token)
            body = b"\x00" + struct.pack(">I", len(message)) + message
            answer = talk(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 4, 1, headers) + frame(0, 1, 1, body))
            kinds, data, offset = [], 0, 0
            while offset + 9 <= len(answer):
                length = int.from_bytes(answer[offset:offset + 3], "big")
                kinds.append(answer[offset + 3])
                data += length if answer[offset + 3] == 0 else 0
                offset += 9 + length
            return {"answered": 1 in kinds, "data": data, "refused": b"grpc-status" in answer and b"16" in answer}

        def postgres(port, user):
            body = struct.pack(">I", 196608) + b"user\x00" + user.encode() + b"\x00database\x00" + user.encode() + b"\x00\x00"
            answer = talk(port, struct.pack(">I", len(body) + 4) + body)
            return struct.unpack(">I", answer[5:9])[0] if answer[:1] == b"R" and len(answer) >= 9 else None

        start = bytes([0x0A, 6]) + b"stolen" + bytes([0x12, 11]) + b"TrainingJob"
        def probes(port):
            for path in ("/", "/health", "/health/ready", "/metrics", "/stuck", "/v1/users", "/v1/projects", "/v1/events", "/durabletask/instances",
                         "/$Resources/queues", "/jobs-default-normal", "/devstoreaccount1?comp=list", "/devstoreaccount1/datasets?restype=container&comp=list",
                         "/admin/host/status", "/runtime/webhooks/durabletask/instances"):
                yield path, lambda path=path: http(port, path)
            for path in ("/tick", "/job-events", "/v1/auth/service-token", "/durabletask/orchestrators/TrainingJob"):
                yield "POST " + path, lambda path=path: http(port, path, "POST", {"Content-Type": "application/json"})
            yield "redis", lambda: talk(port, b"PING\r\nINFO\r\nKEYS *\r\n")[:80].decode("latin-1")
            yield "postgres", lambda: [postgres(port, user) for user in ("postgres", "aiplatform")]
            yield "amqp", lambda: talk(port, b"AMQP\x00\x01\x00\x00")[:8].decode("latin-1")
            yield "hello", lambda: grpc(port, "Hello")
            yield "query", lambda: grpc(port, "QueryInstances")
            yield "start", lambda: grpc(port, "StartInstance", start)
            yield "forged", lambda: grpc(port, "StartInstance", start, "Bearer " + "x" * 43)

        # Each probe of each port by itself: a server that lets one wait keeps none of the others.
        report = {}
        with concurrent.futures.ThreadPoolExecutor(48) as pool:
            for port, name, answer in [(port, name, pool.submit(probe)) for port in listening() for name, probe in probes(port)]:
                report.setdefault(str(port), {})[name] = answer.result()

        readable = []
        for process in pathlib.Path("/proc").iterdir():
            if process.name.isdigit():
                for name in ("cmdline", "environ"):
                    try:
                        readable.append((process / name).read_bytes().decode("latin-1"))
                    except OSError:
                        pass
        for root in (pathlib.Path(os.environ["AIP_SOCKET"]).parent, pathlib.Path.cwd().parent, *FOLDERS):
            for folder, _, files in itertools.islice(os.walk(root), 5000):
                for name in files:
                    try:
                        with open(os.path.join(folder, name), "rb") as file:
                            readable.append(file.read(1 << 16).decode("latin-1"))
                    except OSError:
                        pass

        import aiplatform_runtime as aip
        pathlib.Path("report.json").write_text(json.dumps({"ports": report, "readable": readable, "environment": dict(os.environ)}))
        aip.log_artifact("report.json")
        """;

    [Fact]
    public async Task A_job_that_tries_every_port_gets_nothing_and_finds_no_secret()
    {
        await using var platform = await RunningPlatform.StartAsync();
        var endpoints = platform.Platform.Endpoints;
        var code = Code.Replace("FOLDERS", $"map(pathlib.Path, [{Quote(platform.Folder)}, {Quote("/var/lib/aiplatform")}])", StringComparison.Ordinal);
        var project = (await platform.Api.CreateProjectAsync(new CreateProjectRequest("hostile"), CancellationToken.None)).Name;
        var request = new SubmitJobRequest(Code: new JobCode("main.py", new Dictionary<string, string>(StringComparer.Ordinal) { ["main.py"] = code }));
        var job = (await platform.Api.SubmitJobAsync(project, request, CancellationToken.None)).Job;
        await Eventually.TrueAsync(
            async () => (job = await platform.Api.GetJobAsync(job.Id, CancellationToken.None)).EndedAt is not null, "the job has ended", TimeSpan.FromMinutes(4));
        Assert.True(job.Status == JobStatus.Succeeded, $"{job.Status}: {job.Reason}");
        var report = JsonNode.Parse(await ReadAsync(platform, job.RunId))!;

        int[] api = [new Uri(endpoints.Api).Port, new Uri(endpoints.FunctionsHost).Port];
        var hub = Port(endpoints.TaskHub);
        var tried = report["ports"]!.AsObject();
        int[] known = [.. api, hub, Port(endpoints.ServiceBus), Port(endpoints.Blob), Port(endpoints.Redis), PostgresPort(endpoints.Postgres)];
        var listening = endpoints.Processes.Values.SelectMany(ListeningSockets.Of).Union(known).ToList();
        Assert.True(listening.Count >= 10, $"only {string.Join(' ', listening)}");
        foreach (var port in listening)
        {
            var found = tried[Text(port)];
            Assert.True(found is not null, $"the job did not try port {port}");
            AssertClosed(port, found.AsObject(), isApi: api.Contains(port));
        }

        var calls = tried[Text(hub)]!;
        Assert.All((string[])["hello", "query", "start", "forged"], call => Assert.True((bool)calls[call]!["refused"]!, $"{call}: {calls[call]}"));

        var secrets = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(platform.Folder, "secrets.json")))!.AsObject().Select(entry => (string)entry.Value!).ToList();
        Assert.True(secrets.Count > 8);
        var text = report["environment"]!.ToJsonString() + string.Join('\n', report["readable"]!.AsArray().Select(part => (string)part!));
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.Ordinal));
    }

    private static void AssertClosed(int port, JsonObject found, bool isApi)
    {
        string[] open = isApi ? ["/", "/health", "/health/ready"] : ["/health", "/health/ready"];
        foreach (var (path, status) in found.Where(entry => entry.Key.StartsWith('/') || entry.Key.StartsWith("POST ", StringComparison.Ordinal)))
        {
            Assert.True(status is null || (int)status is < 200 or >= 300 || open.Contains(path), $"port {port} answers {path} with {status}");
        }

        Assert.DoesNotContain("PONG", (string)found["redis"]!, StringComparison.Ordinal);
        Assert.All(found["postgres"]!.AsArray(), kind => Assert.True(kind is null || (int)kind != 0, $"port {port} lets anybody into PostgreSQL"));
        Assert.All((string[])["hello", "query", "start", "forged"], call => Assert.True((int)found[call]!["data"]! == 0 || !(bool)found[call]!["answered"]!, $"port {port} answers {call}"));
    }

    private static async Task<string> ReadAsync(RunningPlatform platform, string run)
    {
        var artifact = await platform.Api.GetArtifactAsync(run, "report.json", CancellationToken.None);
        using var http = new HttpClient();
        return await http.GetStringAsync(artifact.DownloadUrl);
    }

    private static string Text(int port) => port.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static string Quote(string path) => System.Text.Json.JsonSerializer.Serialize(path);

    private static int Port(string connection) => int.Parse(PortPattern().Match(connection).Groups["port"].Value, System.Globalization.CultureInfo.InvariantCulture);

    private static int PostgresPort(string connection) => new Npgsql.NpgsqlConnectionStringBuilder(connection).Port;

    [GeneratedRegex(@"127\.0\.0\.1:(?<port>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex PortPattern();
}
