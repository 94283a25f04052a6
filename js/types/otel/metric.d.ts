/**
 * What is read of an SDK's metrics.
 */
export type DataPoint = {
    startTime: import("./shared").HrTime;
    endTime: import("./shared").HrTime;
    attributes: Readonly<Record<string, unknown>>;
    value: any;
};
/**
 * What is read of an SDK's metrics.
 */
export type MetricData = {
    descriptor: {
        name: string;
        unit?: string;
    };
    dataPointType: number;
    aggregationTemporality: number;
    isMonotonic?: boolean | undefined;
    dataPoints: readonly DataPoint[];
};
/**
 * What is read of an SDK's metrics.
 */
export type ResourceMetrics = {
    resource: import("./shared").Resource;
    scopeMetrics: readonly {
        scope?: import("./shared").Scope;
        metrics: readonly MetricData[];
    }[];
};
/** Exports every data point as an event `metric`. Buckets of exponential histograms are left out; their sum, count and ends stay. */
export class CandorMetricExporter {
    /** @param {{client: import('./shared').TelemetryClient} | import('../index').Options} options */
    constructor(options: {
        client: import("./shared").TelemetryClient;
    } | import("../index").Options);
    get client(): import("./shared").TelemetryClient;
    /** @param {ResourceMetrics} metrics @param {import('./shared').ExportCallback} resultCallback */
    export(metrics: ResourceMetrics, resultCallback: import("./shared").ExportCallback): void;
    /**
     * Events are added up where they are read, so each must count only what is new; what goes up and down
     * has no such sum.
     * @param {string} instrumentType
     */
    selectAggregationTemporality(instrumentType: string): 0 | 1;
    forceFlush(): Promise<void>;
    shutdown(): Promise<void>;
    #private;
}
