export type WorkerData = import("./plugin").WorkerData;
