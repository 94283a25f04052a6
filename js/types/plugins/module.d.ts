export const MODULE_MAX_BYTES: number;
/**
 * Refuses what must not be instantiated. Nothing can bound the memory of a running module from outside, so
 * it has to declare its own bound.
 * @param {Uint8Array} bytes
 * @param {number} memoryMaxBytes
 */
export function checkModule(bytes: Uint8Array, memoryMaxBytes: number): void;
/** @param {string} message */
export function invalid(message: string): TelemetryError;
import { TelemetryError } from "../errors";
