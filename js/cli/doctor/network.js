'use strict';
// Checks of the way to the collector: proxy, certificates, endpoint, token. No event is sent.

const fs = require('node:fs');
const { X509Certificate } = require('node:crypto');
const { count } = require('../terminal');
const { ok, skip, warn, fail, stop } = require('./finding');

/** @typedef {import('./finding').Finding} Finding */
/** @typedef {{http: number, error: string | null, date: string | null, body: string, ms: number}} Answer */
/** @typedef {{endpoint: string | null, health: Answer | null, token: Answer | null}} Probe */

const PROXIES = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy', 'NO_PROXY', 'no_proxy'];

/** A proxy's user name and password are nobody's business. @param {string} text */
function withoutLogin(text) {
  return text.replace(/\/\/[^/@]*@/, '//***@');
}

/** @param {string} name @param {string} value @returns {Finding | undefined} */
function proxyProblem(name, value) {
  if (/^no_proxy$/i.test(name)) return undefined;
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (URL.canParse(url) && /^(https?|socks[45][ah]?):$/.test(new URL(url).protocol)) return undefined;
  return fail('proxy', `${name} is not the address of a proxy: "${withoutLogin(value)}".`, `Set ${name} to something like http://proxy.example.com:3128, or unset it.`);
}

/** @param {NodeJS.ProcessEnv} env @param {string | undefined} typed  --proxy @returns {Finding[]} */
function proxy(env, typed) {
  if (typed !== undefined) return [proxyProblem('--proxy', typed) ?? ok('proxy', `${withoutLogin(typed)}, as typed; the environment is not asked.`)];
  const set = PROXIES.filter((name) => env[name] !== undefined && env[name] !== '');
  const problems = set.map((name) => proxyProblem(name, String(env[name]))).filter((found) => found !== undefined);
  if (problems.length > 0) return problems;
  if (set.length === 0) return [ok('proxy', 'No proxy variable is set: connections are direct.')];
  return [ok('proxy', `${set.map((name) => `${name}=${withoutLogin(String(env[name]))}`).join(', ')}.`)];
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** @param {string} file @param {number} now @returns {Finding} */
function rootsOf(file, now) {
  let text;
  try {
    text = fs.readFileSync(file, 'latin1');
  } catch (error) {
    return fail('certificates', `${file} cannot be read: ${stop(/** @type {Error} */ (error).message)}`, 'Name a PEM file that exists and that you may read.');
  }
  const blocks = text.match(PEM) ?? [];
  if (blocks.length === 0) return fail('certificates', `${file} holds no certificate in PEM form.`, 'A PEM file has lines -----BEGIN CERTIFICATE-----; convert DER with openssl x509 -inform der.');
  let expired = 0;
  for (const [at, block] of blocks.entries()) {
    try {
      if (Date.parse(new X509Certificate(block).validTo) < now) expired++;
    } catch {
      return fail('certificates', `Certificate ${at + 1} of ${file} is damaged.`, 'Get the file again from whoever runs the collector.');
    }
  }
  if (expired === blocks.length) return fail('certificates', `Every certificate of ${file} has expired.`, 'Get the new one from whoever runs the collector.');
  return ok('certificates', `${file}: ${count(blocks.length, 'certificate')}${expired > 0 ? `, ${expired} of them expired` : ''}.`);
}

/** @param {NodeJS.ProcessEnv} env @param {string | undefined} typed  --ca-file @param {number} now @returns {Finding[]} */
function certificates(env, typed, now) {
  if (typed !== undefined) return [rootsOf(typed, now)];
  if (!env.SSL_CERT_FILE) return [ok('certificates', 'The system\'s certificates are used.')];
  if (fs.existsSync(env.SSL_CERT_FILE)) return [rootsOf(env.SSL_CERT_FILE, now)];
  return [warn('certificates', `SSL_CERT_FILE names ${env.SSL_CERT_FILE}, which does not exist: the system's certificates are used.`, 'Correct it, or unset it.')];
}

/** The reason that the collector gives. @param {string} body */
function reasonIn(body) {
  try {
    const { reason, detail } = JSON.parse(body);
    return typeof reason === 'string' ? reason : typeof detail === 'string' ? detail : '';
  } catch {
    return '';
  }
}

/** @param {Probe} probe @returns {Finding} */
function endpoint({ endpoint: url, health }) {
  if (url === null || health === null) return skip('endpoint', 'No collector is set here: events stay on this machine. The app may name one: --endpoint URL checks it.');
  if (health.error !== null) return fail('endpoint', `${url}: ${stop(health.error)}`, 'Until then events wait on this machine; nothing is lost.');
  const reason = reasonIn(health.body);
  if (health.http === 200) return ok('endpoint', `${url} answers, in ${health.ms} ms.`);
  if (health.http === 503) return warn('endpoint', `${url} answers that it is not well${reason === '' ? '' : `: ${reason}`}.`, 'Tell whoever runs the collector; events wait meanwhile.');
  return fail('endpoint', `${url} answers HTTP ${health.http}, not like a collector.`, 'Check the address: is it the base URL, without /api?');
}

const MINUTE_MS = 60e3;
const CLOCK_WARN_MS = 5 * MINUTE_MS;
const CLOCK_FAIL_MS = 24 * 60 * MINUTE_MS;

/** @param {Probe} probe @param {number} now @returns {Finding[]} */
function clockAgainst({ health }, now) {
  const there = health?.date ? Date.parse(health.date) : NaN;
  if (Number.isNaN(there)) return [];
  const off = now - there;
  const text = `The clock is ${Math.round(Math.abs(off) / MINUTE_MS)} minutes ${off > 0 ? 'ahead of' : 'behind'} the endpoint's.`;
  const todo = 'Set the clock by a time server (timedatectl set-ntp true): events carry its time.';
  if (Math.abs(off) >= CLOCK_FAIL_MS) return [fail('clock', text, todo)];
  if (Math.abs(off) >= CLOCK_WARN_MS) return [warn('clock', text, todo)];
  return [ok('clock', 'The clock agrees with the endpoint\'s.')];
}

/** @param {Answer} answer @returns {Finding[]} */
function accepted(answer) {
  const found = [ok('token', 'The collector takes uploads with this token.')];
  let schema;
  try {
    schema = JSON.parse(answer.body).schema;
  } catch {
    return [warn('token', 'The endpoint answers an upload of nothing, but not like a collector.', 'Check the address, and what lies in between.')];
  }
  if (schema?.match === false) {
    found.push(warn('schema', 'The collector has another schema than the one given here.',
      'It stores only what its own schema allows: bring both to the same version, or give the app\'s with --schema FILE.'));
  } else if (schema?.match === true) {
    found.push(ok('schema', 'The collector has the same schema.'));
  }
  return found;
}

/** @param {Probe} probe @param {boolean} given  whether there is a token @returns {Finding[]} */
function token({ token: answer }, given) {
  if (answer === null) return [skip('token', 'Not checked, as no collector answers.')];
  const missing = given ? '' : ' No token is set here; the app may have one: give it in TELEMETRY_TOKEN.';
  switch (answer.http) {
    case 202: return accepted(answer);
    case 401: return [fail('token', `The collector refuses the token: missing, unknown or revoked.${missing}`, 'Make one with candor-central token, and give it to the app or in TELEMETRY_TOKEN.')];
    case 403: return [fail('token', 'The token may not upload: its scope is not "ingest", or it belongs to another app.', 'Make one with the scope ingest.')];
    case 429: return [warn('token', 'The token is known, but this machine uploads too often just now.', 'Wait; uploads wait by themselves.')];
    case 0: return [fail('token', stop(answer.error ?? 'No answer'))];
    default: return [warn('token', `The collector answers an upload of nothing with HTTP ${answer.http}. ${reasonIn(answer.body)}`.trim(), 'Look into the collector\'s log.')];
  }
}

module.exports = { proxy, certificates, endpoint, clockAgainst, token, withoutLogin };
