'use strict';
// candor/otel: exporters for the OpenTelemetry JS SDK. They take its objects as they are; nothing of it is
// a dependency.

const { CandorLogRecordExporter } = require('./log');
const { CandorMetricExporter } = require('./metric');
const { CandorSpanExporter } = require('./span');

module.exports = { CandorSpanExporter, CandorLogRecordExporter, CandorMetricExporter };
