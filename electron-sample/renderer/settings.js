'use strict';
// The user's choices about telemetry, in both directions: what is chosen goes to the main process, and
// what holds is shown, whoever changed it.

(() => {
  const { byId } = Harbor;
  const said = byId('settings-said');
  /** @type {any} */
  let shown = null;

  /** @param {any} settings */
  function show(settings) {
    shown = settings;
    const { enabled, locked, level, fullContent, endpoint, userId, notice } = settings;
    byId('enabled').checked = enabled;
    byId('enabled').disabled = locked;
    byId('enabled-reason').textContent = locked ? `Decided elsewhere: ${settings.reason}.` : '';
    byId('levels').disabled = !enabled || locked;
    for (const radio of document.querySelectorAll('input[name=level]')) {
      const input = /** @type {HTMLInputElement} */ (radio);
      input.checked = enabled && input.value === level;
    }
    byId('content').checked = fullContent;
    byId('content').disabled = !enabled || level !== 'all';
    if (document.activeElement !== byId('endpoint')) byId('endpoint').value = endpoint ?? '';
    if (document.activeElement !== byId('user-id')) byId('user-id').value = userId ?? '';
    byId('telemetry-dot').classList.toggle('on', enabled);
    byId('telemetry-word').textContent = enabled ? 'Usage data is on' : 'Usage data is off';
    byId('notice').hidden = !(enabled && notice !== null && notice.waiting);
  }

  /** @param {() => Promise<any>} change @param {string} done */
  async function apply(change, done) {
    said.textContent = '';
    said.classList.remove('problem');
    byId('next-said').textContent = '';
    try {
      show(await change());
      said.textContent = done;
    } catch (error) {
      said.textContent = Harbor.sentence(error);
      said.classList.add('problem');
      show(await window.telemetry.getSettings());
    }
    if (!byId('settings').hidden) await Harbor.refreshTransparency();
  }

  async function save() {
    const endpoint = byId('endpoint').value.trim();
    const userId = byId('user-id').value.trim();
    /** @type {{endpoint?: string | null, userId?: string | null}} */
    const changes = {};
    if (endpoint !== (shown.endpoint ?? '')) changes.endpoint = endpoint === '' ? null : endpoint;
    if (userId !== (shown.userId ?? '')) changes.userId = userId === '' ? null : userId;
    if (Object.keys(changes).length === 0) return shown;
    const settings = await window.telemetry.configure(changes);
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    return settings;
  }

  Harbor.startSettings = async () => {
    byId('enabled').addEventListener('change', () => {
      const on = byId('enabled').checked;
      apply(() => window.telemetry.setEnabled(on), on ? 'On. Thank you.' : 'Off. What was recorded and not sent is deleted.');
    });
    for (const radio of document.querySelectorAll('input[name=level]')) {
      radio.addEventListener('change', () => apply(() => window.telemetry.setLevel(/** @type {any} */ (radio).value), 'Saved.'));
    }
    byId('content').addEventListener('change', () => {
      const on = byId('content').checked;
      apply(() => window.telemetry.setFullContent(on), on ? 'The text of conversations is sent from now on.' : 'Off. Text that was not sent is deleted.');
    });
    byId('advanced-form').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      apply(save, 'Saved.');
    });
    byId('notice-ok').addEventListener('click', () => apply(() => window.telemetry.acknowledgeNotice(), ''));
    byId('notice-off').addEventListener('click', () => apply(() => window.telemetry.setEnabled(false), 'Off. What was recorded and not sent is deleted.'));
    byId('notice-settings').addEventListener('click', async () => {
      await apply(() => window.telemetry.acknowledgeNotice(), '');
      Harbor.show('settings');
    });
    window.telemetry.onChange(show);
    show(await window.telemetry.getSettings());
  };
})();
