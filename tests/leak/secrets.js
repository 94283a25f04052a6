'use strict';
// One secret of every kind the redactor knows (requirements R22), put together at run time so that no
// file of the repository holds a string that looks like a credential. `needle` is the part that must
// not be found anywhere; it never occurs by itself in ordinary output.
const crypto = require('node:crypto');

const ALNUM = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** @param {number} length @param {string} alphabet */
function letters(length, alphabet = ALNUM) {
  return Array.from(crypto.randomBytes(length), (byte) => alphabet[byte % alphabet.length]).join('');
}
const hex = (/** @type {number} */ length) => letters(length, '0123456789abcdef');
const upper = (/** @type {number} */ length) => letters(length, 'ABCDEFGHJKLMNPQRSTUVWXYZ234567');
const word = (/** @type {number} */ length) => letters(length, 'bcdfghjkmnpqrstvwxz');

/** @returns {{kind: string, text: string, needle: string}[]} */
function plantSecrets() {
  /** @type {{kind: string, text: string, needle: string}[]} */
  const secrets = [];
  const plant = (/** @type {string} */ kind, /** @type {string} */ needle, /** @type {string} */ text = needle) =>
    secrets.push({ kind, needle, text });
  let body = '';

  body = word(10);
  plant('e-mail', `${body}@example`, `${body}@example.org`);
  body = word(9);
  plant('e-mail with tag', body, `${body}+news@mail.example.co.uk`);
  for (const [kind, prefix, length] of [
    ['GitHub token', 'ghp' + '_', 36], ['GitHub app token', 'ghs' + '_', 36],
    ['GitHub fine-grained', 'github' + '_pat_', 59], ['GitLab token', 'glpat' + '-', 20],
    ['npm token', 'npm' + '_', 36], ['Stripe key', 'sk' + '_live_', 24], ['OpenAI key', 'sk' + '-proj-', 48],
    ['Anthropic key', 'sk' + '-ant-api03-', 80], ['Hugging Face token', 'hf' + '_', 34],
    ['PyPI token', 'pypi' + '-', 60], ['DigitalOcean token', 'dop' + '_v1_', 64],
  ]) {
    body = letters(Number(length));
    plant(String(kind), body, prefix + body);
  }
  body = upper(16);
  plant('AWS access key id', body, 'AKIA' + body);
  body = letters(35);
  plant('Google API key', body, 'AIza' + body);
  body = letters(24);
  plant('Slack token', body, ['xoxb', '123456789012', '123456789012', body].join('-'));
  body = letters(43);
  plant('SendGrid key', body, ['SG', letters(22), body].join('.'));
  body = letters(43);
  plant('JWT', body, ['eyJhbGciOiJIUzI1NiJ9', 'eyJ' + letters(30), body].join('.'));
  body = letters(64);
  plant('private key', body, `-----BEGIN RSA ${'PRIVATE'} KEY-----\n${body}\n-----END RSA ${'PRIVATE'} KEY-----`);
  body = word(14);
  plant('password=value', body, `password=${body}`);
  body = word(14);
  plant('api_key: value', body, `api_key: ${body}`);
  body = word(14);
  plant('"token":"value"', body, `{"token":"${body}"}`);
  body = word(12);
  plant('environment secret', body, `DB_PASSWORD='${body}'`);
  body = letters(40);
  plant('Bearer', body, `Authorization: Bearer ${body}`);
  body = word(12);
  plant('URL userinfo', body, `postgres://admin:${body}@db.internal:5432/app`);
  body = word(12);
  plant('POSIX path', body, `/home/${body}/work/notes.txt`);
  body = word(12);
  plant('macOS path', body, `/Users/${body}/Library/x.plist`);
  body = word(12);
  plant('Windows path', body, `C:\\Users\\${body}\\AppData\\x.log`);
  body = word(12);
  plant('UNC path', body, `\\\\fileserver\\${body}\\plans.docx`);
  body = word(12);
  plant('file URL', body, `file:///srv/${body}/index.js`);
  body = word(12);
  plant('home path', body, `~/${body}/.ssh/id_rsa`);
  body = word(12);
  plant('relative path', body, `src/${body}/main.ts`);
  const quad = `203.0.113.${1 + crypto.randomInt(250)}`;
  plant('IPv4', quad, `peer ${quad} refused`);
  const six = `2001:db8:${hex(4)}:${hex(4)}::${1 + crypto.randomInt(9)}`;
  plant('IPv6', six, `peer [${six}]:443 refused`);
  body = letters(44) + 'aA1';
  plant('high-entropy run', body);
  return secrets;
}

module.exports = { plantSecrets, word, letters };
