export type Internals = {
    /**
     * the schema has this event type
     */
    hasEvent: (type: string) => boolean;
    /**
     * names of the schema's attributes
     */
    attributes: ReadonlySet<string>;
    /**
     * why the last emit was not kept: a name of native's results
     */
    lastResult: () => string;
};
/** @param {object} client @param {Internals} internals */
export function setInternals(client: object, internals: Internals): void;
/** @param {object} client @returns {Internals} */
export function internalsOf(client: object): Internals;
