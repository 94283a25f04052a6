'use strict';
// The cluster of deploy/clickhouse on loopback: three ZooKeeper servers, two shards of two ClickHouse replicas,
// each a process of its own. The files of deploy/ are used as they are, with names and ports replaced.
const crypto = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { Server, askClickhouse, firstThatExists, PASSWORD } = require('../sinks/servers.js');

const DEPLOY = path.join(__dirname, '..', '..', 'deploy', 'clickhouse');
const SHARDS = ['1', '2'];
const REPLICAS = ['a', 'b'];
const KEEPERS = [1, 2, 3];
const ZOOKEEPER_JAR = '/usr/share/java/zookeeper.jar';
const DATABASE = 'candor';

/** @typedef {{host: string, ports: Record<string, number>}} Place  a name in deploy/, and its ports there by ours */

/** Ports that the system gives to no outgoing connection, so that a server that comes back finds its own free.
 * @param {number} count @returns {Promise<number[]>} */
async function steadyPorts(count) {
  /** @type {Set<number>} */
  const found = new Set();
  while (found.size < count) {
    const port = crypto.randomInt(15_000, 32_000);
    const free = await new Promise((resolve) => {
      const server = net.createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) found.add(port);
  }
  return [...found];
}

/** Each name of a server becomes loopback, and its port the one it has here. */
class Map127 {
  constructor() {
    /** @type {Map<string, Record<string, number>>} */
    this.places = new Map();
  }

  /** @param {string} host @param {Record<string, number>} ports */
  add(host, ports) {
    this.places.set(host, ports);
  }

  /** @param {string} host @param {string} port */
  port(host, port) {
    const ours = this.places.get(host)?.[port];
    if (ours === undefined) throw new Error(`deploy/clickhouse names ${host}:${port}, which the test does not start`);
    return ours;
  }

  /** @param {string} text */
  xml(text) {
    return text
      .replace(/<host>([^<]*)<\/host><port>(\d+)<\/port>/g, (_, host, port) => `<host>127.0.0.1</host><port>${this.port(host, port)}</port>`)
      .replace(/<interserver_http_host>([^<]*)<\/interserver_http_host>\s*<interserver_http_port>(\d+)</g,
        (_, host, port) => `<interserver_http_host>127.0.0.1</interserver_http_host><interserver_http_port>${this.port(host, port)}<`);
  }

  /** @param {string} text @param {string} host @param {string} data */
  zoo(text, host, data) {
    return text
      .replace(/^dataDir=.*$/m, `dataDir=${data}`)
      .replace(/^clientPort=(\d+)$/m, (_, port) => `clientPort=${this.port(host, port)}\nclientPortAddress=127.0.0.1`)
      .replace(/^(server\.\d+)=([^:]+):(\d+):(\d+)$/gm,
        (_, key, name, peer, election) => `${key}=127.0.0.1:${this.port(name, peer)}:${this.port(name, election)}`);
  }
}

/** @param {string} file */
const shipped = (file) => fs.readFileSync(path.join(DEPLOY, file), 'utf8');

/** @param {string} file @param {string} text */
function write(file, text) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

/** Does it answer `ruok`? mntr says more but is not allowed by default; srvr is. @param {number} port @returns {Promise<boolean>} */
function serves(port) {
  return new Promise((resolve) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.end('srvr'));
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (data) => { text += data; });
    socket.once('error', () => {});
    socket.once('close', () => resolve(/^Mode: (leader|follower|standalone)/m.test(text)));
  });
}

/** @param {Map127} map @param {number} number */
function keeperKind(map, number) {
  const host = `zk-${number}.internal`;
  return {
    name: host,
    user: 'nobody',
    find: () => firstThatExists(['/usr/bin/java']),
    start({ dir, binary }) {
      const data = path.join(dir, 'data');
      write(path.join(data, 'myid'), `${number}\n`);
      fs.chmodSync(data, 0o777); // of the user that it runs as, in a directory of that user alone
      write(path.join(dir, 'zoo.cfg'), map.zoo(shipped('zoo.cfg'), host, data));
      return {
        command: binary,
        args: ['-Xmx256m', '-XX:+UseSerialGC', '-cp', ZOOKEEPER_JAR, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', path.join(dir, 'zoo.cfg')],
        ready: () => serves(map.port(host, '2181')),
        url: () => '',
        create: () => {},
        stop: /** @type {const} */ ('SIGTERM'),
      };
    },
  };
}

/** What Debian's config.xml says, as far as it is needed, for a server of the test's. @param {string} dir @param {{http: number, tcp: number}} ports */
const baseConfig = (dir, ports) => `<yandex>
  <logger><level>warning</level><log>${dir}/log</log><errorlog>${dir}/errors</errorlog></logger>
  <http_port>${ports.http}</http_port><tcp_port>${ports.tcp}</tcp_port><listen_host>127.0.0.1</listen_host>
  <path>${dir}/data/</path><tmp_path>${dir}/tmp/</tmp_path><user_files_path>${dir}/files/</user_files_path>
  <mark_cache_size>67108864</mark_cache_size><users_config>users.xml</users_config>
  <default_profile>default</default_profile><default_database>default</default_database>
</yandex>`;

/** As in Debian's users.xml: the user default without a password, from loopback. */
const BASE_USERS = `<yandex>
  <profiles><default><max_memory_usage>2000000000</max_memory_usage></default></profiles>
  <users><default><password></password><networks><ip>127.0.0.1</ip></networks>
    <profile>default</profile><quota>default</quota></default></users>
  <quotas><default></default></quotas>
</yandex>`;

/** @param {Map127} map @param {string} shard @param {string} replica */
function replicaKind(map, shard, replica) {
  const host = `ch-${shard}-${replica}.internal`;
  return {
    name: host,
    user: 'clickhouse',
    find: () => firstThatExists(['/usr/sbin/clickhouse-server', '/usr/bin/clickhouse-server']),
    start({ dir, binary }) {
      const ports = { http: map.port(host, '8443'), tcp: map.port(host, '9000') };
      const digest = crypto.createHash('sha256').update(PASSWORD).digest('hex');
      const own = shipped('config.d/candor-server.xml')
        .replace('ch-1-a.internal', host)
        .replace(/<shard>[^<]*</, `<shard>${shard}<`).replace(/<replica>[^<]*</, `<replica>${replica}<`);
      write(path.join(dir, 'config.xml'), baseConfig(dir, ports));
      write(path.join(dir, 'users.xml'), BASE_USERS);
      write(path.join(dir, 'config.d', 'candor-cluster.xml'), map.xml(shipped('config.d/candor-cluster.xml')));
      write(path.join(dir, 'config.d', 'candor-server.xml'), map.xml(own));
      write(path.join(dir, 'users.d', 'candor.xml'), shipped('users.d/candor.xml').replace('PASSWORD_SHA256', digest));
      const base = `http://127.0.0.1:${ports.http}`;
      return {
        command: binary,
        args: [`--config-file=${dir}/config.xml`],
        ready: () => fetch(`${base}/ping`).then((answer) => answer.ok, () => false),
        url: () => base,
        create: async (/** @type {string} */ database) => { await askClickhouse(base, `CREATE DATABASE IF NOT EXISTS ${database}`, 'default'); },
        stop: /** @type {const} */ ('SIGTERM'),
      };
    },
  };
}

/** All of them, or none: those that did start are removed. @param {Promise<Server>[]} starting */
async function all(starting) {
  const outcomes = await Promise.allSettled(starting);
  const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return started;
  await Promise.all(started.map((server) => server.remove()));
  throw failed.reason;
}

class Cluster {
  constructor() {
    this.map = new Map127();
    /** @type {Server[]} */
    this.keepers = [];
    /** @type {Record<string, Server>} by shard and replica, as "1a" */
    this.replicas = {};
  }

  /** Why it cannot be started here, or null. */
  static missing() {
    const lacks = [
      Server.missing('clickhouse') === null ? null : 'clickhouse-server',
      fs.existsSync(ZOOKEEPER_JAR) ? null : 'libzookeeper-java',
      fs.existsSync('/usr/bin/java') ? null : 'default-jre-headless',
    ].filter((name) => name !== null);
    return lacks.length === 0 ? null : `${lacks.join(', ')} not installed`;
  }

  static async start() {
    const cluster = new Cluster();
    const ports = await steadyPorts(KEEPERS.length * 3 + SHARDS.length * REPLICAS.length * 3);
    const next = () => /** @type {number} */ (ports.pop());
    for (const number of KEEPERS) cluster.map.add(`zk-${number}.internal`, { 2181: next(), 2888: next(), 3888: next() });
    for (const shard of SHARDS) {
      for (const replica of REPLICAS) cluster.map.add(`ch-${shard}-${replica}.internal`, { 8443: next(), 9000: next(), 9009: next() });
    }
    try {
      // A keeper is ready once two of them are up: all at once.
      cluster.keepers = await all(KEEPERS.map((number) => Server.start(keeperKind(cluster.map, number))));
      for (const shard of SHARDS) {
        for (const replica of REPLICAS) {
          const server = await Server.start(replicaKind(cluster.map, shard, replica));
          cluster.replicas[`${shard}${replica}`] = server;
          await server.create(DATABASE);
        }
      }
    } catch (error) {
      await cluster.remove();
      throw error;
    }
    return cluster;
  }

  /** For --sink-url: shards by commas, their replicas by bars. */
  get sinkUrl() {
    return this.sinkUrlOf(DATABASE);
  }

  /** @param {string} database */
  sinkUrlOf(database) {
    const shards = SHARDS.map((shard) => REPLICAS.map((replica) => `127.0.0.1:${this.map.port(`ch-${shard}-${replica}.internal`, '8443')}`).join('|'));
    return `http://candor:${PASSWORD}@${shards.join(',')}/${database}`;
  }

  /** @param {string} name @param {string} sql @param {string} [database] */
  ask(name, sql, database = DATABASE) {
    return askClickhouse(this.replicas[name].url(database), sql, database);
  }

  async remove() {
    await Promise.all(Object.values(this.replicas).map((server) => server.remove()));
    await Promise.all(this.keepers.map((server) => server.remove()));
  }
}

module.exports = { Cluster, DATABASE };
