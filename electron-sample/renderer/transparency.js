'use strict';
// What is sent next, byte for byte, what was sent, and its deletion.

(() => {
  const { byId, el, count } = Harbor;
  const next = byId('next');

  /** @param {string} text */
  async function digest(text) {
    const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
    return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** The bytes as they are; only the name of the event is set apart. @param {string} line */
  function lineView(line) {
    const match = /"event_type":"([^"]*)"/.exec(line);
    if (match === null) return el('span', { class: 'event' }, line);
    const from = match.index + '"event_type":"'.length;
    return el('span', { class: 'event' }, line.slice(0, from), el('strong', null, match[1]), line.slice(from + match[1].length));
  }

  async function showNext() {
    const text = await window.telemetry.preview();
    next.replaceChildren(...(text.match(/[^\n]*\n|[^\n]+/g) ?? []).map(lineView));
    next.hidden = text === '';
    const bytes = new TextEncoder().encode(text).length;
    byId('next-facts').replaceChildren(...(text === '' ? ['Nothing waits.'] : [
      `${count(next.childElementCount, 'event')}, ${bytes.toLocaleString('en')} bytes, SHA-256 `, el('code', { id: 'next-digest' }, await digest(text)),
    ]));
  }

  /** @param {any} entry */
  function sentRow({ at, events, bytes, sha256, endpoint }) {
    return el('tr', null, el('td', null, new Date(at).toLocaleString()), el('td', { class: 'num' }, String(events)), el('td', { class: 'num' }, Number(bytes).toLocaleString('en')),
      el('td', null, sha256 === null ? 'a text of full content' : el('code', { title: sha256 }, `${sha256.slice(0, 16)}…`)), el('td', { class: 'to' }, endpoint));
  }

  async function showSent() {
    const entries = await window.telemetry.ledger({ limit: 20 });
    document.querySelector('#sent tbody')?.replaceChildren(...entries.reverse().map(sentRow));
    byId('sent').parentElement.hidden = entries.length === 0;
    byId('sent-empty').hidden = entries.length > 0;
  }

  Harbor.refreshTransparency = async () => {
    try {
      await showNext();
      await showSent();
    } catch (error) {
      byId('next-said').textContent = Harbor.sentence(error);
    }
  };

  async function upload() {
    byId('upload').disabled = true;
    byId('next-said').textContent = 'Sending…';
    try {
      const { events, error } = await window.telemetry.upload();
      byId('next-said').textContent = error !== null ? `Not sent: ${error}` : events === 0 ? 'Nothing was left to send.' : `Sent: ${count(events, 'event')}.`;
    } catch (error) {
      byId('next-said').textContent = Harbor.sentence(error);
    }
    byId('upload').disabled = false;
    await Harbor.refreshTransparency();
  }

  /** @param {boolean} open */
  function ask(open) {
    byId('purge-confirm').hidden = !open;
    byId('purge').hidden = open;
    byId(open ? 'purge-yes' : 'purge').focus();
  }

  Harbor.startTransparency = () => {
    byId('refresh').addEventListener('click', () => Harbor.refreshTransparency());
    byId('upload').addEventListener('click', upload);
    byId('purge').addEventListener('click', () => ask(true));
    byId('purge-no').addEventListener('click', () => ask(false));
    byId('purge-yes').addEventListener('click', async () => {
      try {
        const { purged } = await window.telemetry.purge();
        byId('purge-said').textContent = `Deleted: ${count(purged, 'event')}.`;
      } catch (error) {
        byId('purge-said').textContent = Harbor.sentence(error);
      }
      ask(false);
      await Harbor.refreshTransparency();
    });
  };
})();
