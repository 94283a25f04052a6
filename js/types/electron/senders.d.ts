/**
 * Of Electron's types what is looked at.
 */
export type Frame = {
    url: string;
    parent?: Frame | null | undefined;
};
/**
 * Of Electron's types what is looked at.
 */
export type WebContents = {
    send: (channel: string, ...args: unknown[]) => void;
    isDestroyed: () => boolean;
    mainFrame: Frame;
    once: (event: "destroyed", listener: () => void) => unknown;
};
/**
 * Of Electron's types what is looked at.
 */
export type IpcEvent = {
    sender: WebContents;
    senderFrame: Frame | null;
};
/**
 * Of Electron's types what is looked at.
 */
export type SenderOptions = {
    /**
     * 'https://app.example.com', 'app://bundle', or the absolute path or file URL of a page or a folder of pages
     */
    allowedOrigins?: string[] | undefined;
    /**
     * decides instead
     */
    isAllowedSender?: ((event: IpcEvent) => boolean) | undefined;
};
/**
 * @param {SenderOptions} options
 * @returns {(event: IpcEvent) => boolean}  never throws
 */
export function senderCheck({ allowedOrigins, isAllowedSender }: SenderOptions): (event: IpcEvent) => boolean;
