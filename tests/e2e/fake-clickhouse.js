'use strict';
// As much of a replicated ClickHouse as the sink talks to, in memory: what the collector does when a replica lags,
// dies or comes back is then seen at every moment. The real one: tests/sinks, tests/cluster.
const http = require('node:http');
const { once } = require('node:events');

const TEXTS_BEHIND_TIME = 8;

/** @param {Buffer} row @param {number} at */
function skipText(row, at) {
  let length = 0;
  let shift = 0;
  for (;; shift += 7) {
    const byte = row[at];
    at += 1;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at + length;
  }
}

/** The rows of an INSERT in RowBinary, by id, without day, keep, dim and bucket. @param {Buffer} body @returns {Map<string, Buffer>} */
function rowsOf(body) {
  const rows = new Map();
  for (let at = 0; at < body.length;) {
    const start = at + 4;
    at = start + 16;
    for (let i = 0; i < 2; i += 1) at = skipText(body, at);
    at += 8;
    for (let i = 0; i < TEXTS_BEHIND_TIME; i += 1) at = skipText(body, at);
    rows.set(body.toString('hex', start, start + 16), body.subarray(start, at));
    at = skipText(body, at) + 2; // dim and bucket
  }
  return rows;
}

/** The file of a multipart body, 16 bytes an id. @param {Buffer} body @returns {string[]} */
function idsOf(body) {
  const ids = body.subarray(body.indexOf('\r\n\r\n') + 4, body.lastIndexOf('\r\n--'));
  return Array.from({ length: ids.length / 16 }, (_, i) => ids.toString('hex', i * 16, i * 16 + 16));
}

class FakeReplica {
  /** @param {{path?: string, name: string}} options */
  constructor({ path = '/candor/x/1/candor_events', name }) {
    this.path = path;
    this.name = name;
    /** @type {Map<string, Buffer>} */
    this.rows = new Map();
    /** @type {FakeReplica[]} */
    this.others = [];
    this.port = 0;
    this.asked = 0; // whether it has what another one was given
    this.lag = 0;
    this.readOnly = false;
    this.dieAfterInsert = false;
    /** Rows that it has not fetched yet, while it is held. @type {Map<string, Buffer> | null} */
    this.held = null;
    /** @type {Set<import('node:net').Socket>} */
    this.sockets = new Set();
  }

  async up() {
    this.server = http.createServer((request, response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const sql = new URL(request.url ?? '', 'http://x').searchParams.get('query') ?? body.toString();
        const answer = this.answer(sql, body);
        if (answer === null) this.down();
        else response.writeHead(typeof answer === 'object' && 'code' in answer ? 500 : 200).end(typeof answer === 'object' && 'code' in answer ? answer.text : answer);
      });
    });
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.sockets.delete(socket));
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = /** @type {import('node:net').AddressInfo} */ (this.server.address()).port;
    for (const other of this.others) for (const [id, row] of other.rows) this.rows.set(id, row);
  }

  /** As SIGKILL: what it has stays, nobody gets an answer. */
  down() {
    const { server } = this;
    this.server = undefined;
    for (const socket of this.sockets) socket.destroy();
    server?.close();
  }

  hold() {
    this.held = new Map();
  }

  release() {
    const { held } = this;
    this.held = null;
    for (const [id, row] of held ?? []) this.rows.set(id, row);
  }

  /** @param {Map<string, Buffer>} rows */
  fetch(rows) {
    if (this.server === undefined) return;
    for (const [id, row] of rows) (this.held ?? this.rows).set(id, row);
  }

  /** @param {string} sql @param {Buffer} body @returns {string | Buffer | null | {code: number, text: string}} */
  answer(sql, body) {
    if (sql.startsWith('SELECT version()')) return '18.16.1\n';
    if (sql.startsWith('SELECT max(version)')) return '3\n';
    if (sql.startsWith('SELECT is_readonly')) return `${Number(this.readOnly)}\t0\t${this.lag}\t${this.lag}\t${this.path}\t${this.name}\n`;
    if (sql.startsWith('INSERT INTO candor_events')) return this.insert(body);
    if (sql.includes('IN ids FORMAT RowBinary')) return Buffer.concat(idsOf(body).filter((id) => this.rows.has(id)).map((id) => Buffer.from(id, 'hex')));
    if (sql.startsWith('SELECT uniqExact') && sql.includes('IN ids')) {
      this.asked += 1;
      return `${idsOf(body).filter((id) => this.rows.has(id)).length}\n`;
    }
    if (sql.startsWith('SELECT event_id,')) {
      const limit = Number(/LIMIT (\d+)\)/.exec(sql)?.[1]);
      const high = /event_id<toFixedString\(unhex\('([0-9a-f]+)'/.exec(sql)?.[1] ?? '';
      const ids = [...this.rows.keys()].filter((id) => id < high).sort().reverse().slice(0, limit);
      return Buffer.concat(ids.map((id) => /** @type {Buffer} */ (this.rows.get(id))));
    }
    return '0\n'; // CREATE TABLE, counts of nothing
  }

  /** @param {Buffer} body */
  insert(body) {
    if (this.readOnly) return { code: 242, text: 'Code: 242, e.displayText() = DB::Exception: Table is in readonly mode' };
    const rows = rowsOf(body);
    for (const [id, row] of rows) this.rows.set(id, row);
    if (this.dieAfterInsert) return null;
    for (const other of this.others) other.fetch(rows);
    return '';
  }
}

/**
 * Shards of two replicas each, "a" and "b".
 * @param {import('node:test').TestContext} t @param {number} shards
 */
async function fakeCluster(t, shards) {
  const all = Array.from({ length: shards }, (_, i) => {
    const path = `/candor/x/${i + 1}/candor_events`;
    const [a, b] = [new FakeReplica({ path, name: 'a' }), new FakeReplica({ path, name: 'b' })];
    a.others = [b];
    b.others = [a];
    return [a, b];
  });
  for (const replica of all.flat()) await replica.up();
  t.after(() => { for (const replica of all.flat()) replica.down(); });
  return { shards: all, url: urlOf(all) };
}

/** For --sink-url. @param {FakeReplica[][]} shards @param {string} [query] */
function urlOf(shards, query = '') {
  return `http://candor:pw@${shards.map((replicas) => replicas.map(({ port }) => `127.0.0.1:${port}`).join('|')).join(',')}/x${query}`;
}

module.exports = { fakeCluster, urlOf };
