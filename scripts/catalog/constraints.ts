// Constraints.
import type { Service } from "../../src/catalog/service.ts";
export function applyConstraints(service: Service): Service {
  return service;
}
