'use strict';
// A small workspace with two diffs to review.
const fs = require('node:fs');
const path = require('node:path');

const FILES = {
  'README.md': '# Greetings\n\n## Use\n\nRun `src/main.js`.\n',
  'src/greet.py': 'def greet(name):\n    return "Hello, " + name\n\n\ndef part():\n    return "Bye"\n',
  'src/util.py': 'import sys\n\n\nclass Printer:\n    def show(self, text):\n        sys.stdout.write(text)\n',
  'src/main.js': "'use strict';\n\nfunction main() {\n  console.log('hello');\n}\n\nmain();\n",
  'src/count.ts': 'export interface Counts { files: number }\nexport const add = (a: number, b: number) => a + b;\n',
  'native/sum.c': '#include <stddef.h>\n\nint sum(const int *v, size_t n)\n{\n    int s = 0;\n    for (size_t i = 0; i < n; i++) s += v[i];\n    return s;\n}\n',
  'package.json': '{ "name": "greetings", "version": "1.0.0" }\n',
  'greeting.diff': [
    'diff --git a/src/greet.py b/src/greet.py', '--- a/src/greet.py', '+++ b/src/greet.py', '@@ -1,4 +1,4 @@',
    ' def greet(name):', '-    return "Hello, " + name', '+    return f"Hello, {name}!"', ' ', ' ', '',
  ].join('\n'),
  'second.diff': [
    '--- a/src/main.js', '+++ b/src/main.js', '@@ -3,5 +3,5 @@', ' function main() {', "-  console.log('hello');", "+  console.log('good day');", ' }', ' ', ' main();',
    '--- /dev/null', '+++ b/src/new.js', '@@ -0,0 +1,2 @@', "+'use strict';", '+module.exports = 1;', '',
  ].join('\n'),
};

/** @param {string} directory */
function workspace(directory) {
  for (const [name, text] of Object.entries(FILES)) {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  }
}

module.exports = { workspace };
