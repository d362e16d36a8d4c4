// Service principals: programs that act as a service, `x.amazonaws.com`, with keys of their own.
import { CairnError } from "../base/errors.ts";
import type { AccessKeys } from "./access-keys.ts";
import { type Core, deleteConflict, noSuchEntity, omit } from "./core.ts";
import {
  type AccessKey,
  keys,
  type ServicePrincipal,
  type ServicePrincipalDocument,
} from "./model.ts";
import { checkServicePrincipal } from "./names.ts";
import { accountOf } from "./users.ts";

export class ServicePrincipals {
  readonly #core: Core;
  readonly #accessKeys: AccessKeys;

  constructor(core: Core, accessKeys: AccessKeys) {
    this.#core = core;
    this.#accessKeys = accessKeys;
  }

  /** One account keeps a service's keys; the service itself is everybody's, as policies name it. */
  async create(accountId: string, principal: string): Promise<ServicePrincipal> {
    checkServicePrincipal(principal);
    return this.#core.documents.change(async (draft) => {
      await accountOf(draft, accountId);
      const key = keys.service(principal);
      if ((await draft.get(key)) !== undefined) {
        throw new CairnError(
          "EntityAlreadyExists",
          `Service principal ${principal} already exists.`,
        );
      }
      const service = { principal, accountId, createdMs: this.#core.clock.nowMs() };
      draft.put(key, { ...service, accessKeyIds: [] });
      return service;
    });
  }

  async list(accountId: string): Promise<ServicePrincipal[]> {
    const services = await this.#core.documents.list<ServicePrincipalDocument>(keys.service(""));
    return services
      .filter((service) => service.accountId === accountId)
      .map((service) => omit(service, "accessKeyIds"));
  }

  async createKey(
    accountId: string,
    principal: string,
  ): Promise<AccessKey & { secretAccessKey: string }> {
    checkServicePrincipal(principal);
    return this.#accessKeys.create(accountId, { service: principal });
  }

  async delete(accountId: string, principal: string): Promise<void> {
    checkServicePrincipal(principal);
    await this.#core.documents.change(async (draft) => {
      const key = keys.service(principal);
      const service = await draft.get<ServicePrincipalDocument>(key);
      if (service?.accountId !== accountId) {
        throw noSuchEntity(`The service principal ${principal} cannot be found.`);
      }
      if (service.accessKeyIds.length > 0) throw deleteConflict("delete access keys");
      draft.delete(key);
    });
  }
}
