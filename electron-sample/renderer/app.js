'use strict';
// The page: its two views, and what it tells telemetry by itself.

(() => {
  const { byId } = Harbor;
  const VIEWS = ['chat', 'settings'];

  /** @param {string} name */
  Harbor.show = async (name) => {
    const begun = performance.now();
    for (const view of VIEWS) {
      byId(view).hidden = view !== name;
      if (view === name) byId(`nav-${view}`).setAttribute('aria-current', 'page');
      else byId(`nav-${view}`).removeAttribute('aria-current');
    }
    for (const said of document.querySelectorAll('.settings .said')) said.textContent = '';
    if (name === 'settings') await Harbor.refreshTransparency();
    else byId('prompt').focus();
    window.telemetry.emit('ui.render_time', { view: name, durationMs: performance.now() - begun });
  };

  window.addEventListener('error', ({ error }) => {
    window.telemetry.emit('Error', { errorType: error?.name ?? 'Error', message: error?.message, stackTrace: error?.stack, context: 'page' });
  });

  async function start() {
    for (const view of VIEWS) byId(`nav-${view}`).addEventListener('click', () => Harbor.show(view));
    Harbor.startChat();
    Harbor.startTransparency();
    await Harbor.startSettings();
    Harbor.showFolder(await Harbor.answered(window.assistant.state()));
    byId('prompt').focus();
    document.body.dataset.ready = 'true';
  }

  start();
})();
