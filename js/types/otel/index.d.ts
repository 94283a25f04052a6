import { CandorSpanExporter } from "./span";
import { CandorLogRecordExporter } from "./log";
import { CandorMetricExporter } from "./metric";
export { CandorSpanExporter, CandorLogRecordExporter, CandorMetricExporter };
