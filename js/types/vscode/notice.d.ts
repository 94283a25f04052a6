export type NoticeHost = {
    /**
     * uploads are allowed and wait for this
     */
    waiting: () => boolean;
    acknowledge: () => Promise<unknown>;
    turnOff: () => Promise<unknown>;
    show?: (() => unknown) | undefined;
};
/**
 * @typedef {object} NoticeHost
 * @property {() => boolean} waiting  uploads are allowed and wait for this
 * @property {() => Promise<unknown>} acknowledge
 * @property {() => Promise<unknown>} turnOff
 * @property {() => unknown} [show]
 */
export class Notice {
    /** @param {import('./level').Api} api @param {string} text @param {NoticeHost} host */
    constructor(api: import("./level").Api, text: string, host: NoticeHost);
    /** Ask when there is something to ask. */
    check(): void;
    dispose(): void;
    #private;
}
