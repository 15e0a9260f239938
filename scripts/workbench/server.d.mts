export interface WorkbenchServer {
  url: string;
  host: string;
  stop(): Promise<void>;
  output(): string;
}
export function startServer(options: {
  extension: string;
  data: string;
  settings?: Record<string, unknown>;
  log?: (text: string) => void;
}): Promise<WorkbenchServer>;
export function pause(milliseconds: number): Promise<void>;
