// Where sealed values stand in the registry, and what each of them belongs to: what a rotation of the master key visits.
import { keySealOwner } from "./access-keys.ts";
import type { Core } from "./core.ts";
import { loginSealOwner } from "./login-profiles.ts";
import { type KeyDocument, keys, type MfaDocument, type UserDocument } from "./model.ts";
import { keyIdOf, seal, sealedUnder, unseal } from "./seal.ts";

interface SealedPlace {
  /** Of the documents' keys. */
  prefix: string;
  /** Undefined: this document has none. */
  read: (document: object) => string | undefined;
  owner: (key: string, document: object) => string;
  /** The document with another text in the sealed one's place. */
  write: (document: object, sealed: string) => object;
}

function place<T extends object>(given: {
  prefix: string;
  read: (document: T) => string | undefined;
  owner: (key: string, document: T) => string;
  write: (document: T, sealed: string) => T;
}): SealedPlace {
  // The prefix says which documents these are.
  return given as unknown as SealedPlace;
}

const sealedPlaces: readonly SealedPlace[] = [
  place<KeyDocument>({
    prefix: keys.accessKey(""),
    read: ({ sealedSecret }) => sealedSecret,
    owner: (_, { accessKeyId }) => keySealOwner(accessKeyId),
    write: (document, sealedSecret) => ({ ...document, sealedSecret }),
  }),
  place<MfaDocument>({
    prefix: "mfa-device/",
    read: ({ sealedSeed }) => sealedSeed,
    owner: (key) => key,
    write: (document, sealedSeed) => ({ ...document, sealedSeed }),
  }),
  place<UserDocument>({
    prefix: "user/",
    read: ({ loginProfile }) => loginProfile?.sealedHash,
    owner: (_, { accountId }) => loginSealOwner(accountId),
    write: (document, sealedHash) =>
      document.loginProfile === undefined
        ? document
        : { ...document, loginProfile: { ...document.loginProfile, sealedHash } },
  }),
];

/** The keys of the documents with a value that another key than the current one has sealed. */
export async function sealedOtherwise(core: Core): Promise<string[]> {
  const found: string[] = [];
  for (const { prefix, read } of sealedPlaces) {
    for (const { key, value } of await core.documents.entries(prefix)) {
      const sealed = read(value);
      if (sealed !== undefined && keyIdOf(sealed) !== core.masterKeys.current.id) found.push(key);
    }
  }
  return found;
}

/** The document with its value under the current key; undefined where it is already, or where there is none. */
export function sealAnew(core: Core, key: string, document: object): object | undefined {
  const found = sealedPlaces.find(({ prefix }) => key.startsWith(prefix));
  const sealed = found?.read(document);
  const { current } = core.masterKeys;
  if (found === undefined || sealed === undefined || keyIdOf(sealed) === current.id) {
    return undefined;
  }
  const owner = found.owner(key, document);
  const secret = unseal(sealed, owner, core.masterKeys);
  return found.write(document, seal(secret, owner, current, core.random));
}

/** How many sealed values there are by the key that opens them; `undefined` for those that no key here opens. */
export async function countByKey(core: Core): Promise<Map<string | undefined, number>> {
  const counts = new Map<string | undefined, number>();
  for (const { prefix, read, owner } of sealedPlaces) {
    for (const { key, value } of await core.documents.entries(prefix)) {
      const sealed = read(value);
      if (sealed === undefined) continue;
      const id = keyIdOf(sealed) ?? openerOf(core, sealed, owner(key, value));
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return counts;
}

/**
 * Documents of any kind that hold a text sealed under the key: also where nobody thought of telling the table above.
 * A value that names no key counts where no other key here opens it.
 */
export async function keysSealedUnder(core: Core, keyId: string): Promise<string[]> {
  const mark = sealedUnder(keyId);
  const entries = await core.documents.entries("");
  const found = entries.filter(({ key, value }) => {
    if (JSON.stringify(value).includes(mark)) return true;
    const place = sealedPlaces.find(({ prefix }) => key.startsWith(prefix));
    const sealed = place?.read(value);
    if (place === undefined || sealed === undefined || keyIdOf(sealed) !== undefined) return false;
    return [keyId, undefined].includes(openerOf(core, sealed, place.owner(key, value)));
  });
  return found.map(({ key }) => key);
}

function openerOf({ masterKeys }: Core, sealed: string, owner: string): string | undefined {
  return masterKeys.find(undefined).find((key) => {
    try {
      unseal(sealed, owner, { find: () => [key] });
      return true;
    } catch {
      // Another key's, or nobody's: that is the question.
      return false;
    }
  })?.id;
}
