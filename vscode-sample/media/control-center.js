// The Control Center's page. Text goes in as text, never as HTML.
(() => {
  'use strict';
  const POLL_MS = 3000;
  const vscode = acquireVsCodeApi();
  /** @type {Map<number, (reply: any) => void>} */
  const waiting = new Map();
  let serial = 0;
  /** How many events waited when the preview was made. */
  let shown = 0;
  /** @param {string} id @returns {any} */
  const $ = (id) => document.getElementById(id);

  /** @param {string} what @param {object} [more] @returns {Promise<any>} */
  function ask(what, more) {
    const id = ++serial;
    vscode.postMessage({ ...more, type: `telemetry.${what}`, id });
    return new Promise((resolve, reject) => waiting.set(id, (reply) => (reply.ok ? resolve(reply.result) : reject(new Error(reply.error)))));
  }

  window.addEventListener('message', ({ data }) => {
    if (data?.type === 'telemetry.reply') {
      waiting.get(data.id)?.(data);
      waiting.delete(data.id);
    } else if (data?.type === 'telemetry.changed') {
      refresh();
    }
  });

  /** @param {string} text @param {boolean} [bad] */
  function say(text, bad = false) {
    $('message').textContent = text;
    $('message').classList.toggle('bad', bad);
  }

  const plural = (/** @type {number} */ n, /** @type {string} */ word) => `${n.toLocaleString()} ${word}${n === 1 ? '' : 's'}`;
  const size = (/** @type {number} */ bytes) => (bytes < 1024 ? plural(bytes, 'byte') : `${(bytes / 1024).toFixed(1)} KB`);

  const RECORDS = { off: 'Nothing is recorded.', crash: 'Crashes.', error: 'Errors and crashes.', all: 'Usage, errors and crashes; never code, names or text.', text: 'Usage, errors and crashes, and the text of proposals.' };
  const UPLOADS = { off: 'Nothing is recorded, and nothing is sent.', manual: 'Only when you press Upload Now.', auto: 'In the background, now and then.' };

  /** Who else may have said no to full content, and so what would have to change. */
  const REFUSED = {
    telemetry: 'Needs telemetry to be on.', level: 'Needs “Usage” above, and VS Code’s telemetry setting to allow it.',
    TELEMETRY_FULL_CONTENT: 'The environment of VS Code decides this.', 'telemetry.toml': 'Off: telemetry.toml says so.',
  };
  const CONTENT = 'the diffs that you review, with your code in them. It is encrypted on this machine until it is sent, and what was not sent is deleted when you switch this off.';

  /** @param {any} status */
  function showContent({ full_content: { enabled, decided_by: by }, vault }) {
    const free = by === 'stored' || by === 'default';
    $('content').checked = enabled;
    $('content').disabled = !free;
    const waits = vault.pending > 0 ? ` ${plural(vault.pending, 'text')} wait${vault.pending === 1 ? 's' : ''}.` : '';
    const lost = vault.dropped.no_key > 0 ? ' Some text was not kept: this system has no keyring for the key.' : '';
    $('content-hint').textContent = free ? `${enabled ? 'On' : 'Off unless you switch it on'}: ${CONTENT}${waits}${lost}` : REFUSED[/** @type {keyof typeof REFUSED} */ (by)] ?? `Decided by ${by}.`;
  }

  /** @param {string} group @param {string} value */
  function choose(group, value) {
    for (const input of document.getElementsByName(group)) /** @type {any} */ (input).checked = /** @type {any} */ (input).value === value;
  }

  /** @param {any} status */
  function showStatus(status) {
    const { editor, own } = status.vscode;
    $('state').classList.toggle('on', status.enabled);
    $('state-text').textContent = status.enabled ? `Recording: ${RECORDS[/** @type {keyof typeof RECORDS} */ (status.full_content.enabled ? 'text' : status.level)]}` : status.reason;
    if (!status.enabled && editor === 'off') $('state-text').textContent = 'Off: VS Code’s telemetry setting says so.';
    else if (!status.enabled && own === 'off') $('state-text').textContent = 'Off: you have turned it off for this extension.';
    $('enabled').checked = status.enabled;
    $('enabled').disabled = editor === 'off';
    choose('level', own);
    choose('mode', status.mode);
    const ORDER = ['off', 'crash', 'error', 'all'];
    const capped = ORDER.indexOf(editor) < ORDER.indexOf(own);
    $('level-hint').textContent = capped ? `VS Code’s telemetry setting allows less: ${RECORDS[/** @type {keyof typeof RECORDS} */ (editor)]}` : RECORDS[/** @type {keyof typeof RECORDS} */ (status.full_content.enabled ? 'text' : own)];
    $('mode-hint').textContent = UPLOADS[/** @type {keyof typeof UPLOADS} */ (status.mode)] ?? '';
    $('sent-count').textContent = `${plural(status.sent.events, 'event')} in ${plural(status.sent.batches, 'upload')}`;
    const waits = status.pending_journal + status.spool.events;
    $('next-note').textContent = waits === shown ? '' : 'More was recorded since: Refresh shows it.';
    $('upload').disabled = !status.enabled;
    $('export').disabled = waits === 0;
    $('purge').disabled = waits + status.vault.pending === 0;
    showContent(status);
    list(status, waits);
  }

  /** @param {any} status @param {number} waits */
  function list(status, waits) {
    const rows = [
      ['Waits on this machine', plural(waits, 'event')], ['Texts', `${status.vault.pending.toLocaleString()} wait, ${status.vault.sent.toLocaleString()} sent`],
      ['Directory', status.directory], ['Collector', status.endpoint ?? 'none: events stay on this machine'],
      ['Decided by', status.decided_by], ['Notice', status.notice.waiting ? 'not read yet: uploads wait' : `version ${status.notice.version} read`],
      ['Last upload', status.last_upload === null ? 'none' : `${time(status.last_upload.at)}, ${status.last_upload.error ?? 'ok'}`],
      ['Machine', status.machine_id], ['User', status.user_id], ['Session', status.session_id], ['Schema', `${status.schema.name} ${status.schema.version}`],
    ];
    $('details').replaceChildren(...rows.flatMap(([term, value]) => {
      const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
      dt.textContent = term;
      dd.textContent = String(value ?? '');
      return [dt, dd];
    }));
  }

  const time = (/** @type {string} */ at) => new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

  /** @param {any} preview */
  function showPreview({ text, cut, bytes, events }) {
    $('next-size').textContent = bytes === 0 ? 'empty' : `${plural(events, 'event')}, ${plural(bytes, 'byte')}`;
    $('preview').replaceChildren(...(bytes === 0 ? ['Nothing waits.'] : text.split(/(?<=\n)/).map((/** @type {string} */ line) => {
      const row = document.createElement('span');
      row.textContent = line;
      return row;
    })), cut ? '…' : '');
    $('preview').classList.toggle('empty', bytes === 0);
  }

  /** @param {any[]} entries  oldest first */
  function showLedger(entries) {
    const rows = entries.slice().reverse().map((entry) => {
      const row = document.createElement('tr');
      const consent = String(entry.consent ?? '').split(';')[0];
      for (const [text, style] of [[time(entry.at), ''], [entry.events.toLocaleString(), 'n'], [entry.bytes.toLocaleString(), 'n'],
        [`${entry.http}`, ''], [consent, ''], [entry.sha256 === null ? 'a text of full content' : `${entry.sha256.slice(0, 16)}…`, entry.sha256 === null ? '' : 'code']]) {
        const cell = row.insertCell();
        cell.textContent = text;
        cell.className = style;
      }
      row.cells[5].title = entry.sha256 ?? '';
      return row;
    });
    if (rows.length === 0) {
      const row = document.createElement('tr');
      const cell = row.insertCell();
      cell.colSpan = 6;
      cell.className = 'none';
      cell.textContent = 'Nothing was sent from here.';
      rows.push(row);
    }
    $('ledger').replaceChildren(...rows);
  }

  async function refresh() {
    try {
      showPreview(await ask('preview')); // first: it writes what waits into a batch
      const [status, ledger] = await Promise.all([ask('status'), ask('ledger', { limit: 50 })]);
      shown = status.pending_journal + status.spool.events;
      showStatus(status);
      showLedger(ledger);
      document.body.dataset.ready = String(serial);
    } catch (error) {
      say(/** @type {Error} */ (error).message, true);
    }
  }

  /** Do something, say what came of it, show how things are now. @param {() => Promise<string>} action */
  async function act(action) {
    say('…');
    try {
      say(await action());
    } catch (error) {
      say(/** @type {Error} */ (error).message, true);
    }
    await refresh();
  }

  $('upload').addEventListener('click', () => act(async () => {
    const { uploaded, events, pending, error } = await ask('upload');
    if (error !== null) throw new Error(`${error} What was not sent stays here.`);
    return uploaded === 0 ? 'Nothing waits.' : `Sent ${plural(events, 'event')}; ${plural(pending, 'event')} still wait${pending === 1 ? 's' : ''}.`;
  }));
  $('export').addEventListener('click', () => act(async () => {
    const made = await ask('export');
    return made === null ? '' : `Wrote ${plural(made.events, 'event')}, ${size(made.bytes)}, to ${made.path}`;
  }));
  $('purge').addEventListener('click', () => act(async () => `Deleted ${plural((await ask('purge')).purged, 'event')}.`));
  $('refresh').addEventListener('click', () => act(async () => ''));
  $('enabled').addEventListener('change', (/** @type {any} */ { target }) => act(async () => {
    await ask('setEnabled', { enabled: target.checked });
    return target.checked ? 'Thank you.' : 'Turned off. What was recorded is deleted.';
  }));
  $('content').addEventListener('change', (/** @type {any} */ { target }) => act(async () => {
    await ask('setFullContent', { on: target.checked });
    return target.checked ? 'The text of proposals is sent from now on.' : 'Off. Text that was not sent is deleted.';
  }));
  for (const [group, what, said] of [['level', 'setLevel', 'What may be recorded is changed.'], ['mode', 'setMode', 'The upload mode is changed, in every window.']]) {
    for (const input of document.getElementsByName(group)) {
      input.addEventListener('change', (/** @type {any} */ { target }) => act(async () => {
        await ask(what, { [group]: target.value });
        return said;
      }));
    }
  }
  for (const link of document.querySelectorAll('[data-setting]')) {
    link.addEventListener('click', () => vscode.postMessage({ type: 'openSetting', setting: /** @type {any} */ (link).dataset.setting }));
  }
  // What other windows and commands record meanwhile. The preview stays, because making it makes a batch.
  setInterval(() => { if (!document.hidden) ask('status').then(showStatus, () => {}); }, POLL_MS);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
  refresh();
})();
