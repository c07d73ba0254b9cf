// Starts PostgreSQL and the broker for a conformance run, and stops both at its end.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const key = "Y29uZm9ybWFuY2Uta2V5";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function postgresBinaries() {
  const versions = readdirSync("/usr/lib/postgresql").sort((a, b) => b - a);
  return join("/usr/lib/postgresql", versions[0], "bin");
}

function brokerBinary() {
  for (const configuration of ["Debug", "Release"]) {
    const file = join(root, "infra/AiPlatform.ServiceBusEmulator/bin", configuration, "net10.0/AiPlatform.ServiceBusEmulator.dll");
    if (existsSync(file)) return file;
  }
  throw new Error("The broker is not built: dotnet build infra/AiPlatform.ServiceBusEmulator");
}

// PostgreSQL refuses to run as root.
function asService(command, args) {
  return process.getuid() === 0 ? ["setpriv", ["--reuid", "postgres", "--regid", "postgres", "--init-groups", "--", command, ...args]] : [command, args];
}

async function until(condition, what) {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`It did not happen in time that ${what}.`);
}

// queues: settings of single queues; config: entities in the shape of Microsoft's emulator; settings: more settings of the broker.
export async function startBroker(queues, config, settings = {}) {
  const directory = mkdtempSync(join(tmpdir(), "aip-conformance-"));
  const children = [];
  const stop = async () => {
    for (const child of children.reverse()) {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once("exit", resolve));
        child.kill("SIGINT");
        await ended;
      }
    }
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const data = join(directory, "postgres");
    const binaries = postgresBinaries();
    if (process.getuid() === 0) spawnSync("chown", ["postgres", directory]);
    const initialised = spawnSync(...asService(join(binaries, "initdb"), ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]), { cwd: "/" });
    if (initialised.status !== 0) throw new Error(`initdb failed: ${initialised.stderr}`);
    const postgresPort = await freePort();
    const [command, args] = asService(join(binaries, "postgres"), ["-D", data, "-h", "127.0.0.1", "-p", `${postgresPort}`, "-c", "unix_socket_directories="]);
    children.push(spawn(command, args, { cwd: "/", stdio: "ignore" }));

    const amqpPort = await freePort();
    const httpPort = await freePort();
    const httpsPort = await freePort();
    const environment = {
      ConnectionStrings__Postgres: `Host=127.0.0.1;Port=${postgresPort};Username=postgres;Database=servicebus`,
      ServiceBus__AmqpPort: `${amqpPort}`,
      ServiceBus__HttpPort: `${httpPort}`,
      ServiceBus__HttpsPort: `${httpsPort}`,
      ServiceBus__TlsDirectory: join(directory, "tls"),
      ServiceBus__SharedAccessKey: key,
      Logging__LogLevel__Default: "None",
    };
    if (config) {
      environment.ServiceBus__ConfigFile = join(directory, "Config.json");
      writeFileSync(environment.ServiceBus__ConfigFile, JSON.stringify({ UserConfig: { Namespaces: [{ Name: "conformance", ...config }] } }));
    }
    for (const [name, value] of Object.entries(settings)) environment[`ServiceBus__${name}`] = value;
    queues.forEach((queue, i) => {
      for (const [name, value] of Object.entries(queue)) environment[`ServiceBus__Queues__${i}__${name}`] = `${value}`;
    });
    children.push(spawn("dotnet", [brokerBinary()], { env: { ...process.env, ...environment }, stdio: "ignore" }));
    await until(async () => (await fetch(`http://127.0.0.1:${httpPort}/health/ready`).catch(() => null))?.ok, "the broker is ready");
    return {
      administrationConnectionString: `Endpoint=sb://127.0.0.1:${httpsPort};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=${key}`,
      directory,
      amqpPort,
      httpsPort,
      certificate: () => readFileSync(join(directory, "tls", "servicebus.crt")),
      connectionString: `Endpoint=sb://127.0.0.1:${amqpPort};SharedAccessKeyName=RootManageSharedAccessKey;SharedAccessKey=${key};UseDevelopmentEmulator=true`,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
