'use strict';
// Database servers of Debian's packages for tests: in a scratch folder, on a free port, as an unprivileged
// user, ended with the process that started them.
const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const PASSWORD = 'sink-pass-4711';
const START_MS = 120_000; // on a loaded machine
const STOP_MS = 30_000;

/** @typedef {{name: string, user: string, find: () => string | null, start: (place: Place) => Launch}} Kind */
/** @typedef {{dir: string, port: number, binary: string, run: (command: string, args: string[]) => void}} Place */
/** @typedef {{command: string, args: string[], env?: Record<string, string>, ready: () => Promise<boolean>, url: (database: string, password?: string) => string, create: (database: string) => void | Promise<void>, stop: NodeJS.Signals}} Launch */

/** @param {string[]} candidates */
function firstThatExists(candidates) {
  return candidates.find((file) => fs.existsSync(file)) ?? null;
}

/** Newest first: /usr/lib/postgresql/<version>/bin. */
function postgresBinary() {
  const base = '/usr/lib/postgresql';
  if (!fs.existsSync(base)) return null;
  const versions = fs.readdirSync(base).sort((a, b) => Number(b) - Number(a));
  return firstThatExists(versions.map((version) => path.join(base, version, 'bin', 'postgres')));
}

/** The first bytes that a server says by itself, or an error. @param {number} port @returns {Promise<boolean>} */
function greets(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const end = (/** @type {boolean} */ ok) => { socket.destroy(); resolve(ok); };
    socket.setTimeout(2000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('data', () => end(true));
  });
}

/** @param {string} command @param {string[]} args @param {Record<string, string>} [env] */
function quietly(command, args, env = {}) {
  const done = spawnSync(command, args, { env: { PATH: process.env.PATH ?? '', ...env }, encoding: 'utf8' });
  if (done.error !== undefined || done.status !== 0) {
    throw new Error(`${command} failed: ${done.error?.message ?? `${done.stderr}${done.stdout}`.trim()}`);
  }
}

/** @type {Kind} */
const postgres = {
  name: 'postgres',
  user: 'postgres',
  find: postgresBinary,
  start({ dir, port, binary, run }) {
    const bin = path.dirname(binary);
    const data = path.join(dir, 'data');
    const env = { PGPASSWORD: PASSWORD };
    fs.writeFileSync(path.join(dir, 'password'), PASSWORD);
    fs.chmodSync(path.join(dir, 'password'), 0o644);
    run(path.join(bin, 'initdb'), ['-D', data, '-U', 'candor', '-A', 'scram-sha-256', `--pwfile=${dir}/password`,
      '-E', 'UTF8', '--locale=C', '-N']);
    return {
      command: binary,
      args: ['-D', data, '-k', dir, '-p', String(port), '-c', 'listen_addresses=127.0.0.1'],
      ready: async () => spawnSync(path.join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)]).status === 0,
      url: (database, password = PASSWORD) => `postgresql://candor:${password}@127.0.0.1:${port}/${database}`,
      create: (database) => quietly(path.join(bin, 'createdb'),
        ['-h', '127.0.0.1', '-p', String(port), '-U', 'candor', database], env),
      stop: 'SIGINT', // fast shutdown
    };
  },
};

/** @type {Kind} */
const mysql = {
  name: 'mysql',
  user: 'mysql',
  find: () => firstThatExists(['/usr/sbin/mariadbd']),
  start({ dir, port, binary, run }) {
    const data = path.join(dir, 'data');
    const socket = path.join(dir, 's');
    const init = path.join(dir, 'init.sql');
    fs.writeFileSync(init, `CREATE USER candor@'%' IDENTIFIED BY '${PASSWORD}';\nGRANT ALL ON *.* TO candor@'%';\n`);
    fs.chmodSync(init, 0o644);
    run('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db']);
    const flags = ['--no-defaults', `--datadir=${data}`, `--port=${port}`, '--bind-address=127.0.0.1', `--socket=${socket}`,
      `--pid-file=${path.join(dir, 'pid')}`, '--skip-log-bin', '--skip-name-resolve'];
    let args = [...flags, `--init-file=${init}`];
    return {
      command: binary,
      get args() {
        const now = args;
        args = flags; // a restart finds the user there
        return now;
      },
      ready: () => greets(port),
      url: (database, password = PASSWORD) => `mysql://candor:${password}@127.0.0.1:${port}/${database}`,
      create: (database) => quietly('mariadb', ['--no-defaults', '-h', '127.0.0.1', '-P', String(port), '-u', 'candor',
        '-e', `CREATE DATABASE ${database}`], { MYSQL_PWD: PASSWORD }),
      stop: 'SIGTERM',
    };
  },
};

/** Root element and settings of Debian's 18.16. @param {string} dir @param {number} port */
function clickhouseConfig(dir, port) {
  return `<yandex>
  <logger><level>warning</level><log>${dir}/log</log><errorlog>${dir}/errors</errorlog></logger>
  <http_port>${port}</http_port><listen_host>127.0.0.1</listen_host>
  <path>${dir}/data/</path><tmp_path>${dir}/tmp/</tmp_path><user_files_path>${dir}/files/</user_files_path>
  <mark_cache_size>67108864</mark_cache_size><users_config>${dir}/users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
</yandex>`;
}

const CLICKHOUSE_USERS = `<yandex>
  <profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
  <users><candor><password>${PASSWORD}</password><networks><ip>::/0</ip></networks>
    <profile>default</profile><quota>default</quota></candor></users>
  <quotas><default></default></quotas>
</yandex>`;

/** @param {string} base @param {string} sql @param {string} database @returns {Promise<string>} */
async function askClickhouse(base, sql, database) {
  const answer = await fetch(`${base}/?database=${database}`, { method: 'POST', body: sql,
    headers: { 'x-clickhouse-user': 'candor', 'x-clickhouse-key': PASSWORD } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text.trim();
}

/** @type {Kind} */
const clickhouse = {
  name: 'clickhouse',
  user: 'clickhouse',
  find: () => firstThatExists(['/usr/sbin/clickhouse-server', '/usr/bin/clickhouse-server']),
  start({ dir, port, binary }) {
    for (const [file, text] of [['config.xml', clickhouseConfig(dir, port)], ['users.xml', CLICKHOUSE_USERS]]) {
      fs.writeFileSync(path.join(dir, file), text);
      fs.chmodSync(path.join(dir, file), 0o644);
    }
    const base = `http://127.0.0.1:${port}`;
    return {
      command: binary,
      args: [`--config-file=${dir}/config.xml`],
      ready: () => fetch(`${base}/ping`).then((answer) => answer.ok, () => false),
      url: (database, password = PASSWORD) => `http://candor:${password}@127.0.0.1:${port}/${database}`,
      create: async (database) => { await askClickhouse(base, `CREATE DATABASE ${database}`, 'default'); },
      stop: 'SIGTERM',
    };
  },
};

const KINDS = { postgres, mysql, clickhouse };

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {net.AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}

/** Whom the server runs as: root may not run one. @param {string} user */
function identity(user) {
  if (process.getuid?.() !== 0) return {};
  const id = (/** @type {string} */ flag) => Number(spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout);
  return { uid: id('-u'), gid: id('-g') };
}

class Server {
  /** @param {Kind} kind */
  constructor(kind) {
    this.kind = kind;
    this.dir = '';
    this.output = '';
    /** @type {import('node:child_process').ChildProcess | null} */
    this.child = null;
    this.kill = () => this.child?.kill('SIGKILL');
  }

  /** Why it cannot be started here, or null. @param {keyof typeof KINDS} name */
  static missing(name) {
    return KINDS[name].find() === null ? `${name} is not installed` : null;
  }

  /** @param {keyof typeof KINDS | Kind} kind */
  static async start(kind) {
    const server = new Server(typeof kind === 'string' ? KINDS[kind] : kind);
    try {
      await server.prepare();
      await server.launch();
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  async prepare() {
    const who = identity(this.kind.user);
    const binary = this.kind.find();
    if (binary === null) throw new Error(`${this.kind.name} is not installed`);
    this.dir = fs.mkdtempSync(path.join(os.tmpdir(), `candor-${this.kind.name}-`));
    if (who.uid !== undefined) fs.chownSync(this.dir, who.uid, who.gid);
    this.spawning = { ...who, cwd: this.dir, env: { PATH: `${process.env.PATH}:/usr/sbin`, HOME: this.dir, LC_ALL: 'C' } };
    this.port = await freePort();
    const run = (/** @type {string} */ command, /** @type {string[]} */ args) => {
      const done = spawnSync(command, args, { ...this.spawning, encoding: 'utf8' });
      if (done.error !== undefined || done.status !== 0) throw new Error(`${command} failed: ${done.error?.message ?? done.stderr + done.stdout}`);
    };
    this.made = this.kind.start({ dir: this.dir, port: this.port, binary, run });
    process.on('exit', this.kill);
  }

  async launch() {
    const { command, args, ready } = this.made;
    this.child = spawn(command, args, { ...this.spawning, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (data) => { this.output = (this.output + data).slice(-8000); });
    }
    this.ended = new Promise((resolve) => { this.child?.once('close', resolve); });
    this.child.once('error', (error) => { this.output += error.message; });
    const until = Date.now() + START_MS;
    while (!(await ready())) {
      if (this.child.exitCode !== null || this.child.signalCode !== null || Date.now() > until) {
        throw new Error(`${this.kind.name} did not start: ${this.output}`);
      }
      await new Promise((resolve) => { setTimeout(resolve, 100); });
    }
  }

  /** @param {string} database @param {string} [password] */
  url(database, password) {
    return this.made.url(database, password);
  }

  /** @param {string} database */
  async create(database) {
    await this.made.create(database);
    return this.url(database);
  }

  /** Wait for the process's end. @param {NodeJS.Signals} [signal] */
  async end(signal) {
    const { child } = this;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal ?? this.made.stop);
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }

  async remove() {
    await this.end();
    process.removeListener('exit', this.kill);
    if (this.dir !== '') fs.rmSync(this.dir, { recursive: true, force: true, maxRetries: 20 });
  }
}

module.exports = { Server, askClickhouse, firstThatExists, SERVERS: /** @type {(keyof typeof KINDS)[]} */ (Object.keys(KINDS)), PASSWORD, freePort };
