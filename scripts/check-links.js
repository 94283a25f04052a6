'use strict';
// Holds the links between the repository's Markdown files against the files: what a link names must exist,
// the heading of an anchor included.
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

const root = path.join(__dirname, '..');

/** Without code, where brackets mean something else; as many lines. @param {string} text */
function prose(text) {
  return text.replace(/^```[^]*?^```/gm, (block) => block.replace(/[^\n]/g, '')).replace(/`[^`\n]*`/g, '');
}

/** A heading's anchor, as GitHub makes it. @param {string} heading */
function slug(heading) {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-');
}

/** @param {string} file @returns {Set<string>} */
function anchorsOf(file) {
  const text = fs.readFileSync(file, 'utf8').replace(/^```[^]*?^```/gm, '');
  /** @type {Map<string, number>} */
  const seen = new Map();
  return new Set([...text.matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => {
    const name = slug(heading);
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before === 0 ? name : `${name}-${before}`;
  }));
}

/** @param {string} file @returns {string[]} what is wrong with its links */
function checkFile(file) {
  const problems = [];
  for (const [i, line] of prose(fs.readFileSync(file, 'utf8')).split('\n').entries()) {
    for (const [, target] of line.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue; // another site
      const [name, anchor] = target.split('#');
      const to = name === '' ? file : path.resolve(path.dirname(file), decodeURIComponent(name));
      const where = `${path.relative(root, file)}:${i + 1}: ${target}`;
      if (!fs.existsSync(to)) problems.push(`${where}: there is no such file`);
      else if (anchor !== undefined && to.endsWith('.md') && !anchorsOf(to).has(anchor)) problems.push(`${where}: there is no such heading`);
    }
  }
  return problems;
}

/** @returns {{files: number, problems: string[]}} */
function checkLinks() {
  const names = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' });
  const files = names.split('\0').filter(Boolean).map((name) => path.join(root, name)).filter((file) => fs.existsSync(file));
  return { files: files.length, problems: files.flatMap(checkFile) };
}

module.exports = { checkFile, checkLinks };

if (require.main === module) {
  const { files, problems } = checkLinks();
  for (const problem of problems) console.error(problem);
  console.log(`links of ${files} files: ${problems.length} wrong`);
  process.exitCode = problems.length === 0 && files > 0 ? 0 : 1;
}
