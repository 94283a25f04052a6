'use strict';
// Languages by file name, and what counts as a symbol in each: a line that begins a definition.

const C_LIKE = /^[A-Za-z_][\w\s*]*\b\w+\s*\([^;]*\)?\s*\{?\s*$/;
const SCRIPT = /^\s*(export\s+)?(default\s+)?(async\s+)?(function\b|class\s+\w|interface\s+\w|enum\s+\w|type\s+\w+\s*=|const\s+\w+\s*=\s*(async\s*)?(\(|function\b))/;

/** @typedef {{id: string, extensions: readonly string[], symbol?: RegExp}} Language */

/** Ids as the event `index` has them. @type {readonly Language[]} */
const LANGUAGES = [
  { id: 'c', extensions: ['c', 'h'], symbol: C_LIKE },
  { id: 'cpp', extensions: ['cc', 'cpp', 'cxx', 'hpp'], symbol: C_LIKE },
  { id: 'csharp', extensions: ['cs'], symbol: /^\s*(public|private|protected|internal)\b.*(\bclass\b|\binterface\b|\()/ },
  { id: 'css', extensions: ['css', 'scss', 'less'], symbol: /^[^\s@}][^{};]*\{/ },
  { id: 'go', extensions: ['go'], symbol: /^(func|type)\s/ },
  { id: 'html', extensions: ['html', 'htm'] },
  { id: 'java', extensions: ['java'], symbol: /^\s*(public|private|protected)\b.*(\bclass\b|\binterface\b|\()/ },
  { id: 'javascript', extensions: ['js', 'cjs', 'mjs', 'jsx'], symbol: SCRIPT },
  { id: 'json', extensions: ['json', 'jsonc'] },
  { id: 'kotlin', extensions: ['kt', 'kts'], symbol: /^\s*(fun|class|object|interface)\s/ },
  { id: 'markdown', extensions: ['md'], symbol: /^#{1,6}\s/ },
  { id: 'php', extensions: ['php'], symbol: /^\s*(abstract\s+|final\s+|public\s+|private\s+|protected\s+|static\s+)*(function|class|interface|trait)\s/ },
  { id: 'python', extensions: ['py'], symbol: /^\s*(async\s+)?(def|class)\s/ },
  { id: 'ruby', extensions: ['rb'], symbol: /^\s*(def|class|module)\s/ },
  { id: 'rust', extensions: ['rs'], symbol: /^\s*(pub(\([^)]*\))?\s+)?(async\s+)?(fn|struct|enum|trait|mod)\s/ },
  { id: 'shell', extensions: ['sh', 'bash', 'zsh'], symbol: /^\s*(function\s+\w+|\w+\s*\(\)\s*\{)/ },
  { id: 'sql', extensions: ['sql'], symbol: /^\s*create\s/i },
  { id: 'swift', extensions: ['swift'], symbol: /^\s*(public\s+|private\s+)?(func|class|struct|enum|protocol)\s/ },
  { id: 'toml', extensions: ['toml'], symbol: /^\[/ },
  { id: 'typescript', extensions: ['ts', 'tsx', 'mts', 'cts'], symbol: SCRIPT },
  { id: 'vue', extensions: ['vue'] },
  { id: 'xml', extensions: ['xml', 'svg'] },
  { id: 'yaml', extensions: ['yml', 'yaml'] },
];

const BY_EXTENSION = new Map(LANGUAGES.flatMap((language) => language.extensions.map((extension) => [extension, language])));

/** @param {string} file @returns {Language | undefined} */
function languageOf(file) {
  return BY_EXTENSION.get(file.slice(file.lastIndexOf('.') + 1).toLowerCase());
}

/** @param {Language} language @param {string} text */
function measure({ symbol }, text) {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { lines: lines.length, symbols: symbol === undefined ? 0 : lines.filter((line) => symbol.test(line)).length };
}

module.exports = { languageOf, measure };
