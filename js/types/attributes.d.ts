export type Area = import("./area").Area;
export type FieldDescription = import("./encoders").FieldDescription;
export type Writer = import("./encoders").Writer;
/**
 * Attributes travel as JSON text, which native code reads as it does any payload's. Only those that the
 * schema knows are read here.
 * @param {readonly FieldDescription[]} table  the schema's attributes
 * @param {(field: FieldDescription) => number} rawCap  code units of a string that decide about it
 * @returns {(area: Area) => Writer}
 */
export function attributesWriter(table: readonly FieldDescription[], rawCap: (field: FieldDescription) => number): (area: Area) => Writer;
/** @param {Area} area @returns {Writer} */
export function nanosWriter(area: Area): Writer;
/** @param {unknown} v @returns {bigint | number | undefined} */
export function nanosOf(v: unknown): bigint | number | undefined;
