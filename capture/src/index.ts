// The package's front door: createCapture and the types that go with it. Adapters have doors of their own.
export {
  type Capture,
  type CaptureCounters,
  type CaptureOptions,
  createCapture,
} from "./capture.ts";
export type { CallOptions, CallOutcome, ObservedCall, OperationOptions } from "./describe.ts";
export { CaptureError, type CaptureErrorCode } from "./errors.ts";
export type { EventCategory, FreeEvent, Identify, Identity, Resource } from "./record.ts";
export type { Credentials } from "./sign.ts";
