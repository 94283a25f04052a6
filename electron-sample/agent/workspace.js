'use strict';
// A folder on disk, and the assistant's tools in it. No path leads out of the folder, by links neither.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const FILES_MAX = 2000;
const FILE_BYTES_MAX = 262144;
const HITS_MAX = 200;
const SKIPPED = new Set(['node_modules', 'build', 'dist', 'target', '__pycache__']);
const LANGUAGES = { '.js': 'javascript', '.mjs': 'javascript', '.ts': 'typescript', '.py': 'python', '.c': 'c', '.h': 'c', '.rs': 'rust', '.go': 'go', '.md': 'markdown', '.json': 'json', '.html': 'html', '.css': 'css', '.java': 'java' };

/** What a tool could not do; the class is what telemetry gets to see, never the message. */
class ToolError extends Error {
  /** @param {string} type @param {string} message */
  constructor(type, message) {
    super(message);
    this.type = type;
  }
}

/** Small enough, and without NUL where that would show. @param {string} file */
function isText(file) {
  try {
    if (fs.statSync(file).size > FILE_BYTES_MAX) return false;
    return !fs.readFileSync(file).includes(0);
  } catch {
    return false; // not ours to read
  }
}

class Workspace {
  /** @param {string} folder */
  constructor(folder) {
    this.folder = fs.realpathSync(folder);
    if (!fs.statSync(this.folder).isDirectory()) throw new ToolError('NotAFolder', `${folder} is not a folder`);
  }

  get name() {
    return path.basename(this.folder);
  }

  get isGitRepo() {
    return fs.existsSync(path.join(this.folder, '.git'));
  }

  /** @param {string} name relative to the folder @returns {string} */
  #resolve(name) {
    const full = path.resolve(this.folder, name);
    if (!full.startsWith(this.folder + path.sep)) throw new ToolError('OutsideFolder', `${name} is outside the folder`);
    const parent = fs.realpathSync(path.dirname(full));
    const inside = parent === this.folder || parent.startsWith(this.folder + path.sep);
    if (!inside || fs.lstatSync(full, { throwIfNoEntry: false })?.isSymbolicLink()) throw new ToolError('OutsideFolder', `${name} leads outside the folder`);
    return full;
  }

  /** @returns {string[]} text files, sorted */
  list() {
    /** @type {string[]} */
    const found = [];
    const visit = (/** @type {string} */ dir) => {
      for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
        if (found.length >= FILES_MAX) return;
        if (entry.name.startsWith('.') || SKIPPED.has(entry.name)) continue;
        const full = path.join(dir, entry.name);
        if (entry.isDirectory()) visit(full);
        else if (entry.isFile() && isText(full)) found.push(path.relative(this.folder, full).split(path.sep).join('/'));
      }
    };
    visit(this.folder);
    return found.sort();
  }

  /** @param {string} name @returns {string} */
  read(name) {
    const full = this.#resolve(name);
    const stat = fs.statSync(full, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile()) throw new ToolError('NotFound', `There is no file "${name}" in this folder.`);
    if (stat.size > FILE_BYTES_MAX) throw new ToolError('TooLarge', `"${name}" is larger than ${FILE_BYTES_MAX / 1024} KB.`);
    const bytes = fs.readFileSync(full);
    if (bytes.includes(0)) throw new ToolError('NotText', `"${name}" is not a text file.`);
    return bytes.toString('utf8');
  }

  /** Text files and what is in them. @returns {Generator<{name: string, text: string}>} */
  *texts() {
    for (const name of this.list()) {
      try {
        yield { name, text: this.read(name) };
      } catch {
        // Not text, or gone since it was listed.
      }
    }
  }

  /** @param {string} words @returns {{file: string, line: number, text: string}[]} */
  search(words) {
    const wanted = words.toLowerCase();
    const hits = [];
    for (const { name, text } of this.texts()) {
      for (const [at, line] of text.split('\n').entries()) {
        if (!line.toLowerCase().includes(wanted)) continue;
        hits.push({ file: name, line: at + 1, text: line.trim().slice(0, 160) });
        if (hits.length >= HITS_MAX) return hits;
      }
    }
    return hits;
  }

  /**
   * Write one file of a proposal, whole or not at all.
   * @param {string} name @param {string | null} before  what the proposal was made of; null: no file
   * @param {string} after
   */
  apply(name, before, after) {
    const full = this.#resolve(name);
    const now = fs.existsSync(full) ? this.read(name) : null;
    if (now !== before) throw new ToolError('Conflict', `"${name}" has changed since this was proposed; it was left as it is.`);
    const temporary = `${full}.${crypto.randomBytes(4).toString('hex')}.tmp`;
    try {
      fs.writeFileSync(temporary, after, { flag: 'wx', mode: before === null ? 0o644 : fs.statSync(full).mode });
      fs.renameSync(temporary, full);
    } finally {
      fs.rmSync(temporary, { force: true });
    }
  }

  /** What may be known of it: languages and sizes, no name. */
  survey() {
    const files = this.list();
    let bytes = 0;
    const languages = new Set();
    for (const name of files) {
      bytes += fs.statSync(path.join(this.folder, name), { throwIfNoEntry: false })?.size ?? 0;
      const language = /** @type {Record<string, string>} */ (LANGUAGES)[path.extname(name)];
      if (language !== undefined) languages.add(language);
    }
    return { languages: [...languages].sort(), fileCount: files.length, sizeMb: bytes / 1048576 };
  }
}

module.exports = { Workspace, ToolError };
