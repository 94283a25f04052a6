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

/** Links to files. @param {string} file @returns {{where: string, to: string, anchor: string | undefined}[]} to: absolute */
function linksOf(file) {
  return prose(fs.readFileSync(file, 'utf8')).split('\n').flatMap((line, i) => [...line.matchAll(/\]\(([^)\s]+)\)/g)]
    .filter(([, target]) => !/^[a-z]+:/.test(target)) // another site
    .map(([, target]) => {
      const [name, anchor] = target.split('#');
      const to = name === '' ? file : path.resolve(path.dirname(file), decodeURIComponent(name));
      return { where: `${path.relative(root, file)}:${i + 1}: ${target}`, to, anchor };
    }));
}

/** @param {string} file @returns {string[]} what is wrong with its links */
function checkFile(file) {
  const problems = [];
  for (const { where, to, anchor } of linksOf(file)) {
    if (!fs.existsSync(to)) problems.push(`${where}: there is no such file`);
    else if (anchor !== undefined && to.endsWith('.md') && !anchorsOf(to).has(anchor)) problems.push(`${where}: there is no such heading`);
  }
  return problems;
}

/** @param {string[]} packed  files of the published package, relative @returns {string[]} links that lead out of it */
function checkPacked(packed) {
  const inside = new Set(packed.map((name) => path.join(root, name)));
  return packed.filter((name) => name.endsWith('.md')).flatMap((name) => linksOf(path.join(root, name)))
    .filter(({ to }) => !inside.has(to)).map(({ where }) => `${where}: the published package has no such file (see "files" in package.json)`);
}

/** @returns {{files: number, problems: string[]}} */
function checkLinks() {
  const names = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' });
  const files = names.split('\0').filter(Boolean).map((name) => path.join(root, name)).filter((file) => fs.existsSync(file));
  return { files: files.length, problems: files.flatMap(checkFile) };
}

module.exports = { checkFile, checkLinks, checkPacked };

if (require.main === module) {
  const { files, problems } = checkLinks();
  for (const problem of problems) console.error(problem);
  console.log(`links of ${files} files: ${problems.length} wrong`);
  process.exitCode = problems.length === 0 && files > 0 ? 0 : 1;
}
