'use strict';
// Certificates for tests, made by openssl(1).

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** @param {string} dir @param {string[]} words */
function openssl(dir, ...words) {
  execFileSync('openssl', words, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
}

/** name.pem and name.key: a root of trust. @param {string} dir @param {string} name */
function makeCa(dir, name) {
  openssl(dir, 'req', '-x509', ...KEY, '-days', '2', '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.pem`,
    '-addext', 'basicConstraints=critical,CA:TRUE');
}

/**
 * name.pem and name.key: a server's certificate of that CA.
 * @param {string} dir @param {string} ca @param {string} name
 * @param {{san?: string, days?: string}} [options]  days below 0: it has expired
 */
function makeServer(dir, ca, name, { san = 'IP:127.0.0.1', days = '2' } = {}) {
  openssl(dir, 'req', ...KEY, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
  fs.writeFileSync(path.join(dir, `${name}.ext`), `subjectAltName=${san}\n`);
  openssl(dir, 'x509', '-req', '-in', `${name}.csr`, '-CA', `${ca}.pem`, '-CAkey', `${ca}.key`, '-CAcreateserial',
    '-days', days, '-extfile', `${name}.ext`, '-out', `${name}.pem`);
}

module.exports = { makeCa, makeServer };
