'use strict';
// The conversation.

(() => {
  const { byId, el, duration } = Harbor;
  const log = byId('log');
  const prompt = byId('prompt');
  const send = byId('send');
  const TRIES = ['List the files', 'Read README.md', 'Search for TODO', 'Replace colour with color', 'Tidy the files', 'Write a summary'];
  /** Steps of the turn that runs now. @type {HTMLElement | null} */
  let steps = null;

  /** Paragraphs, lists and code of an answer. @param {string} text */
  function formatted(text) {
    const box = el('div', { class: 'text' });
    /** @type {HTMLElement | null} */
    let list = null;
    text.split('```').forEach((part, at) => {
      if (at % 2 === 1) {
        box.append(el('pre', { class: 'code-block', tabindex: '0', role: 'region', 'aria-label': 'Excerpt' }, part.replace(/^\n|\n$/g, '')));
        return;
      }
      for (const line of part.split('\n')) {
        if (line.startsWith('- ')) {
          if (list === null) box.append(list = el('ul', null));
          /** @type {HTMLElement} */ (list).append(el('li', null, line.slice(2)));
        } else {
          list = null;
          if (line.trim() !== '') box.append(el('p', null, line));
        }
      }
      list = null;
    });
    return box;
  }

  /** @param {'user' | 'assistant'} who @param {...(Node | null)} content */
  function message(who, ...content) {
    byId('welcome')?.remove();
    const view = el('article', { class: `message ${who}`, 'aria-label': who === 'user' ? 'You' : 'Harbor' },
      el('div', { class: 'avatar', 'aria-hidden': 'true' }, who === 'user' ? 'You' : 'H'), el('div', { class: 'bubble' }, ...content));
    log.append(view);
    toEnd();
    return view;
  }

  /** The end of the conversation is what people wait for, and where a proposal is decided. */
  function toEnd() {
    log.scrollTop = log.scrollHeight;
  }

  /** @param {any} step */
  function stepView({ tool, input, ok, result, ms }) {
    return el('li', { class: ok ? 'step' : 'step failed' }, el('span', { class: 'step-mark', 'aria-hidden': 'true' }, ok ? '✓' : '✕'),
      el('code', null, tool), el('span', { class: 'step-input' }, input), el('span', { class: 'step-result' }, ok ? result : 'failed'), el('span', { class: 'step-ms' }, duration(ms)));
  }

  /** @param {string} text */
  async function ask(text) {
    message('user', el('div', { class: 'text' }, el('p', null, text)));
    const own = steps = el('ul', { class: 'steps', 'aria-label': 'Tools' });
    const waiting = el('p', { class: 'waiting' }, 'Working…');
    const view = message('assistant', own, waiting);
    const bubble = /** @type {HTMLElement} */ (view.querySelector('.bubble'));
    try {
      const { text: answer, proposal } = await Harbor.answered(window.assistant.ask(text));
      bubble.append(formatted(answer));
      if (proposal !== null) bubble.append(Harbor.proposalView(proposal, (/** @type {string[]} */ paths) => Harbor.answered(window.assistant.decide(proposal.id, paths))));
    } catch (error) {
      bubble.append(el('p', { class: 'problem' }, Harbor.sentence(error)));
    }
    waiting.remove();
    if (own.childElementCount === 0) own.remove();
    steps = null;
    view.classList.add('done');
    toEnd();
  }

  async function submit() {
    const text = prompt.value.trim();
    if (text === '' || send.disabled) return;
    prompt.value = '';
    send.disabled = true;
    await ask(text);
    send.disabled = false;
    prompt.focus();
  }

  /** @param {any} state */
  Harbor.showFolder = ({ folder }) => {
    byId('folder-name').textContent = folder === null ? 'No folder yet' : folder.name;
    byId('folder-facts').textContent = folder === null ? 'Harbor works on one folder of your choice.'
      : [Harbor.count(folder.files, 'text file'), folder.git ? 'in git' : null].filter(Boolean).join(', ');
    byId('choose').textContent = folder === null ? 'Choose a folder' : 'Choose another';
    prompt.disabled = send.disabled = folder === null;
  };

  Harbor.startChat = () => {
    log.append(el('div', { class: 'welcome', id: 'welcome' }, el('h2', null, 'What shall we look at?'), el('p', null, 'Harbor lists, reads and searches the files of your folder, and proposes changes that you approve file by file.')));
    byId('tries').append(...TRIES.map((text) => el('li', null, el('button', { type: 'button', class: 'try', on: { click: () => {
      prompt.value = text;
      Harbor.show('chat');
      submit();
    } } }, text))));
    byId('composer').addEventListener('submit', (/** @type {Event} */ event) => {
      event.preventDefault();
      submit();
    });
    prompt.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      submit();
    });
    window.assistant.onStep((/** @type {any} */ step) => steps?.append(stepView(step)));
    byId('choose').addEventListener('click', async () => Harbor.showFolder(await Harbor.answered(window.assistant.chooseFolder())));
  };
})();
