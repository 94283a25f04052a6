'use strict';
// A proposal: its files with their changes, each to be taken or left.

(() => {
  const { el, count } = Harbor;
  const WORDS = { '+': 'added', '-': 'removed', ' ': '' };

  /** @param {any} hunk */
  function hunkRows(hunk) {
    const rows = hunk.lines.map((/** @type {any} */ line) => el('tr', { class: line.kind === '+' ? 'add' : line.kind === '-' ? 'del' : null },
      el('td', { class: 'ln' }, line.before === 0 ? '' : String(line.before)),
      el('td', { class: 'ln' }, line.after === 0 ? '' : String(line.after)),
      el('td', { class: 'mark' }, el('span', { 'aria-hidden': 'true' }, line.kind), WORDS[/** @type {' '} */ (line.kind)] === '' ? null : el('span', { class: 'hidden' }, WORDS[/** @type {'+'} */ (line.kind)])),
      el('td', { class: 'code' }, line.text === '' ? ' ' : line.text)));
    return el('tbody', null, ...rows);
  }

  /** @param {any} file @param {string} proposal */
  function fileView(file, proposal) {
    const id = `file-${proposal}-${file.path}`.replace(/[^\w-]/g, '_');
    const box = /** @type {HTMLInputElement} */ (el('input', { type: 'checkbox', id, checked: true, 'data-path': file.path }));
    const head = el('div', { class: 'file-head' }, box, el('label', { for: id, class: 'file-name' }, file.path),
      file.created ? el('span', { class: 'tag' }, 'new') : null,
      el('span', { class: 'plus' }, `+${file.added}`), el('span', { class: 'minus' }, `−${file.removed}`));
    const table = el('table', { class: 'diff' }, el('caption', { class: 'hidden' }, `Changes of ${file.path}`), ...file.hunks.map(hunkRows));
    return { box, view: el('div', { class: 'file' }, head, el('div', { class: 'diff-box', tabindex: '0', role: 'region', 'aria-label': `Changes of ${file.path}` }, table)) };
  }

  /** @param {any} proposal @param {(paths: string[]) => Promise<any>} decide */
  Harbor.proposalView = (proposal, decide) => {
    const files = proposal.files.map((/** @type {any} */ file) => fileView(file, proposal.id));
    const added = proposal.files.reduce((/** @type {number} */ sum, /** @type {any} */ file) => sum + file.added, 0);
    const removed = proposal.files.reduce((/** @type {number} */ sum, /** @type {any} */ file) => sum + file.removed, 0);
    const said = el('p', { class: 'said', role: 'status' });
    const approve = /** @type {HTMLButtonElement} */ (el('button', { type: 'button', class: 'button primary approve' }, 'Approve'));
    const reject = /** @type {HTMLButtonElement} */ (el('button', { type: 'button', class: 'button reject' }, 'Reject'));
    const view = el('article', { class: 'proposal', 'aria-label': 'Proposal' },
      el('header', { class: 'proposal-head' }, el('h2', null, 'Proposal'), el('span', { class: 'proposal-facts' }, `${count(proposal.files.length, 'file')}, `, el('span', { class: 'plus' }, `+${added}`), ' ', el('span', { class: 'minus' }, `−${removed}`))),
      ...files.map((/** @type {any} */ file) => file.view),
      el('footer', { class: 'proposal-foot' }, approve, reject, said));
    const chosen = () => files.filter((/** @type {any} */ file) => file.box.checked).map((/** @type {any} */ file) => file.box.dataset.path);
    const label = () => {
      const n = chosen().length;
      approve.textContent = n === files.length ? 'Approve' : `Approve ${n} of ${files.length}`;
      approve.disabled = n === 0;
    };
    const settle = async (/** @type {string[]} */ paths) => {
      for (const button of [approve, reject]) button.disabled = true;
      for (const { box } of files) box.disabled = true;
      try {
        const { decision, applied, problems } = await decide(paths);
        view.classList.add(decision);
        said.textContent = [decision === 'approved' ? `Approved: ${count(applied.length, 'file')} written.` : paths.length === 0 ? 'Rejected. Nothing was changed.' : 'Nothing was changed.', ...problems].join(' ');
      } catch (error) {
        said.textContent = Harbor.sentence(error);
      }
    };
    for (const { box } of files) box.addEventListener('change', label);
    approve.addEventListener('click', () => settle(chosen()));
    reject.addEventListener('click', () => settle([]));
    return view;
  };
})();
