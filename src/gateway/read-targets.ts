// The upstreams as the settings name them, with the files that they name read.
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { CairnError } from "../base/errors.ts";
import type { UpstreamTarget, UpstreamTargets } from "./upstream.ts";

export interface TargetSettings {
  gatewayUpstream: URL | undefined;
  /** A PEM file, as `ca` of a service is. */
  gatewayUpstreamCa: string | undefined;
  gatewayUpstreams: Readonly<Record<string, Omit<UpstreamTarget, "ca"> & { ca?: string }>>;
}

/** Throws InvalidConfiguration that names every file which cannot be read or holds no certificates. */
export async function readTargets(settings: TargetSettings): Promise<UpstreamTargets> {
  const mistakes: string[] = [];
  const read = async (setting: string, path: string): Promise<Buffer | undefined> => {
    try {
      const pem = await readFile(path);
      checkCertificates(path, pem.toString("latin1"));
      return pem;
    } catch (error) {
      mistakes.push(`${setting}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const services: Record<string, UpstreamTarget> = {};
  for (const [id, { ca: path, ...target }] of Object.entries(settings.gatewayUpstreams)) {
    const ca = path === undefined ? undefined : await read(`gateway.upstreams.${id}: ca`, path);
    services[id] = ca === undefined ? target : { ...target, ca };
  }
  const { gatewayUpstream, gatewayUpstreamCa: path } = settings;
  const defaultCa = path === undefined ? undefined : await read("--gateway-upstream-ca", path);
  if (mistakes.length > 0) throw new CairnError("InvalidConfiguration", mistakes.join("\n  "));
  return {
    ...(gatewayUpstream === undefined ? {} : { default: gatewayUpstream }),
    ...(defaultCa === undefined ? {} : { defaultCa }),
    services,
  };
}

/** Node takes a file without certificates for one that trusts nobody, and says so only when an upstream is called. */
function checkCertificates(path: string, pem: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error(`${path} holds no certificate in PEM form`);
  for (const [index, block] of blocks.entries()) {
    try {
      new X509Certificate(block);
    } catch (cause) {
      throw new Error(`certificate ${index + 1} of ${path} cannot be read`, { cause });
    }
  }
}
