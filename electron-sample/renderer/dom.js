'use strict';
// What the page's scripts share. Text reaches the document as text, never as markup.

/** @type {any} */
const Harbor = {
  /** @param {string} id @returns {any} */
  byId: (id) => document.getElementById(id),

  /**
   * @param {string} tag @param {Record<string, any> | null} attributes @param {...(Node | string | null)} children
   * @returns {HTMLElement}
   */
  el(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
      if (name === 'on') for (const [event, listener] of Object.entries(value)) element.addEventListener(event, /** @type {any} */ (listener));
      else if (value !== null && value !== false) element.setAttribute(name, value === true ? '' : String(value));
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  },

  /** @param {number} n @param {string} word */
  count: (n, word) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`,

  /** @param {number} ms */
  duration: (ms) => (ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`),

  /** Electron's sentence around ours is of no use to anybody. @param {unknown} error */
  sentence: (error) => (error instanceof Error ? error.message : String(error)).replace(/^.*?Error: /, ''),

  /** Ask the sample's main process. @param {Promise<{value?: any, error?: string}>} answer */
  async answered(answer) {
    const { value, error } = await answer;
    if (error !== undefined) throw new Error(error);
    return value;
  },
};
