'use strict';
// "22:00-06:00": a part of each day, in local time.

const { CliError, EXIT } = require('./terminal');

const DAY_MIN = 24 * 60;

/** @param {string} hours @param {string} minutes */
function minuteOf(hours, minutes) {
  return Number(hours) * 60 + Number(minutes);
}

/**
 * Minutes of the day, the end exclusive; an end that is not behind its begin lies in the next morning.
 * @param {string} text
 * @returns {{from: number, to: number}}
 */
function parseWindow(text) {
  const match = /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)$/.exec(text.replaceAll(' ', ''));
  const from = match === null ? NaN : minuteOf(match[1], match[2]);
  const to = match === null ? NaN : minuteOf(match[3], match[4]);
  if (match === null || to > DAY_MIN || from === to) {
    throw new CliError(`--from takes a window of the day in local time such as 22:00-06:00, not "${text}"`, EXIT.usage);
  }
  return { from, to };
}

/** @param {{from: number, to: number}} window @param {Date} now */
function isWithin({ from, to }, now) {
  const minute = now.getHours() * 60 + now.getMinutes();
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

module.exports = { parseWindow, isWithin };
