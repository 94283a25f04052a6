/**
 * Writes a value (never undefined or null) into slot `at`; false: refused and counted.
 */
export type Writer = (value: unknown, at: number) => boolean;
/**
 * Encodes one event into the area. Throws what a getter or a Proxy throws.
 */
export type Encoder = (payload: any, meta: {
    correlationId?: unknown;
} | undefined) => void;
export type MakeAttributes = (area: Area) => Writer;
export type Area = import("./area").Area;
export type FieldDescription = {
    name: string;
    kind: string;
    of?: string | undefined;
    values?: string[] | undefined;
    maxLength?: number | undefined;
    maxItems?: number | undefined;
};
export type EventDescription = {
    name: string;
    category: string;
    level: string;
    fields: FieldDescription[];
};
export type SchemaDescription = {
    name: string;
    version: number;
    notice: number;
    hash: string;
    attributes?: FieldDescription[] | undefined;
    events: EventDescription[];
};
/**
 * @param {SchemaDescription} schema
 * @param {Area} area
 * @returns {Map<string, Encoder>}
 */
export function makeEncoders(schema: SchemaDescription, area: Area): Map<string, Encoder>;
