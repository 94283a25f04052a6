export type Refusal = import("./bounds").Refusal;
export type Allowance = import("./bounds").Allowance;
export type Configurable = import("./settings").Configurable;
export type TelemetrySettings = import("./settings").TelemetrySettings;
export type TelemetryClient = import("../index").TelemetryClient<any>;
export type GatewayOptions = {
    client: TelemetryClient;
    /**
     * what a page or a utility process may emit; default: every event of the schema
     */
    allowedEvents?: string[] | undefined;
    /**
     * what a settings page may change; default: nothing
     */
    configurable?: import("./settings").Configurable[] | undefined;
    /**
     * where endpoint and user id are kept
     */
    settingsFile?: string | undefined;
    /**
     * createKeyProvider(); asked when full content is on
     */
    keys?: (() => Promise<import("../vault").Key[]>) | undefined;
    /**
     * settings were changed by a page
     */
    onChange?: (() => void) | undefined;
    /**
     * a page wants to hear of changes
     */
    onFollow?: ((sender: any, on: boolean) => void) | undefined;
};
export type Answer = {
    ok: true;
    value: unknown;
} | {
    ok: false;
    error: string;
};
export class Gateway {
    /** @param {GatewayOptions} options */
    constructor(options: GatewayOptions);
    /** What was taken and refused since the start, by reason. */
    counts(): {
        refused: {
            bad_payload: number;
            event: number;
            sender: number;
            rate: number;
            too_large: number;
            too_deep: number;
            too_many: number;
            bad_key: number;
            unknown_method: number;
            bad_argument: number;
        };
        emits: number;
        kept: number;
        calls: number;
    };
    /** @param {Refusal} reason @returns {false} */
    refuse(reason: Refusal): false;
    /**
     * An event of another process.
     * @param {object} sender  whose allowance it takes
     * @param {unknown} type @param {unknown} payload @param {unknown} meta
     * @returns {boolean} kept
     */
    emit(sender: object, type: unknown, payload: unknown, meta: unknown): boolean;
    /**
     * Any other call of a page.
     * @param {object} sender @param {unknown} method @param {unknown} argument
     * @returns {Promise<Answer>}
     */
    call(sender: object, method: unknown, argument: unknown): Promise<Answer>;
    /** @returns {TelemetrySettings} */
    settings(): TelemetrySettings;
    /** Keys first: text that comes without one is not kept. @param {boolean} on */
    setFullContent(on: boolean): Promise<void>;
    /** @returns {Promise<void>} rejects where there is no keychain */
    provideKeys(): Promise<void>;
    #private;
}
