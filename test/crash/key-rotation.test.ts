// Rotation of the master key: nothing is lost whatever write it dies at, and a folder opens with the keys that it names.
import { createCipheriv } from "node:crypto";
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { TestClock } from "../../src/base/clock.ts";
import { isCairnError } from "../../src/base/errors.ts";
import { systemRandom } from "../../src/base/random.ts";
import type { Directory } from "../../src/directory/directory.ts";
import { type KeyDisk, KeyFiles, nodeKeyDisk } from "../../src/directory/key-files.ts";
import { sessionMsMax } from "../../src/directory/key-rotation.ts";
import { loadMasterKey } from "../../src/directory/master-key.ts";
import { masterKeyOf } from "../../src/directory/master-keys.ts";
import { openDirectory } from "../../src/directory/open-directory.ts";
import { fromBase32, totpCode, totpStep } from "../../src/directory/totp.ts";
import {
  createMemoryRegistry,
  type MemoryRegistry,
} from "../../src/registry/memory/memory-registry.ts";
import type { Registry } from "../../src/registry/registry.ts";

const accountId = "111122223333";
const password = "Correct-Horse-7";
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** Where the process dies: at the n-th write, before or after it is made. Later writes are never made. */
class Death {
  writeCount = 0;
  readonly #atWrite: number;
  readonly #isAfter: boolean;

  constructor(atWrite = Infinity, isAfter = false) {
    this.#atWrite = atWrite;
    this.#isAfter = isAfter;
  }

  get isDead(): boolean {
    return this.writeCount >= this.#atWrite;
  }

  async write<T>(make: () => Promise<T>): Promise<T> {
    if (this.isDead) return never();
    this.writeCount += 1;
    if (!this.isDead) return make();
    if (this.#isAfter) await make();
    return never();
  }
}

/** What a dead process waits for. */
function never<T>(): Promise<T> {
  return Promise.reject(new Error("the process is dead"));
}

function mortalDisk(death: Death): KeyDisk {
  return {
    read: (path) => nodeKeyDisk.read(path),
    write: (path, text) => death.write(() => nodeKeyDisk.write(path, text)),
    link: (from, to) => death.write(() => nodeKeyDisk.link(from, to)),
    rename: (from, to) => death.write(() => nodeKeyDisk.rename(from, to)),
    remove: (path) => death.write(() => nodeKeyDisk.remove(path)),
    flushFolder: (folder) => death.write(() => nodeKeyDisk.flushFolder(folder)),
  };
}

function mortalRegistry(registry: Registry, death: Death): Registry {
  return {
    get: (key) => registry.get(key),
    list: (prefix) => registry.list(prefix),
    commit: (changes) => death.write(() => registry.commit(changes)),
    close: () => registry.close(),
  };
}

interface World {
  registry: MemoryRegistry;
  clock: TestClock;
  folder: string;
}

async function newWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-rotation-"));
  folders.push(folder);
  return {
    registry: createMemoryRegistry(),
    clock: new TestClock(Date.UTC(2026, 0, 2)),
    folder,
  };
}

/** The same folder and registry once more. */
async function copyOf(world: World): Promise<World> {
  const copy = await newWorld();
  for (const name of await readdir(world.folder)) {
    await copyFile(join(world.folder, name), join(copy.folder, name));
  }
  const entries = await world.registry.list("");
  await copy.registry.commit(entries.map(({ key, value }) => ({ key, value })));
  return copy;
}

/** As a start finds the world; settled, so that it refuses what does not fit. */
async function start(
  { registry, clock, folder }: World,
  options: { death?: Death; text?: string; formerText?: string } = {},
): Promise<Directory> {
  const { death = new Death(), ...given } = options;
  const path = join(folder, "master.key");
  const loaded = await loadMasterKey({ path, random: systemRandom, ...given });
  const directory = openDirectory({
    registry: mortalRegistry(registry, death),
    masterKey: loaded.current,
    formerMasterKey: loaded.former,
    keyFiles: loaded.files === undefined ? undefined : new KeyFiles(path, mortalDisk(death)),
    clock,
    random: systemRandom,
    firstAccountId: accountId,
  });
  await directory.keyRotation.settle();
  return directory;
}

interface Secrets {
  keys: { accessKeyId: string; secretAccessKey: string }[];
  serialNumber: string;
  seed: string;
}

/** Three batches of secrets; made once. */
let manySecrets: Promise<{ world: World; secrets: Secrets }> | undefined;
async function filledWorld(): Promise<{ world: World; secrets: Secrets }> {
  manySecrets ??= (async () => {
    const world = await newWorld();
    return { world, secrets: await fill(await start(world), 230) };
  })();
  const { world, secrets } = await manySecrets;
  return { world: await copyOf(world), secrets };
}

/** A secret of every kind. */
async function fill(directory: Directory, userCount = 1): Promise<Secrets> {
  const root = await directory.ensureFirstAccount();
  const keys = [
    { accessKeyId: root.accessKeyId ?? "", secretAccessKey: root.secretAccessKey ?? "" },
  ];
  for (let number = 0; number < userCount; number++) {
    const userName = `user-${number}`;
    await directory.createUser(accountId, userName);
    keys.push(await directory.createAccessKey(accountId, userName));
  }
  await directory.loginProfiles.create(accountId, "user-0", password, false);
  await directory.servicePrincipals.create(accountId, "reports.amazonaws.com");
  keys.push(await directory.servicePrincipals.createKey(accountId, "reports.amazonaws.com"));
  const { device, base32Seed } = await directory.mfaDevices.create(accountId, { name: "phone" });
  return { keys, serialNumber: device.serialNumber, seed: base32Seed };
}

async function expectAllOpen(world: World, directory: Directory, secrets: Secrets): Promise<void> {
  for (const { accessKeyId, secretAccessKey } of secrets.keys) {
    expect((await directory.findKey(accessKeyId))?.secret).toBe(secretAccessKey);
  }
  expect(await directory.loginProfiles.verify(accountId, "user-0", password)).toBeDefined();
  const { clock } = world;
  const step = totpStep(clock.nowMs());
  const seed = fromBase32(secrets.seed);
  const codes = [totpCode(seed, step), totpCode(seed, step + 1)] as const;
  await directory.mfaDevices.enable(accountId, "user-0", secrets.serialNumber, codes);
  await directory.mfaDevices.deactivate(accountId, "user-0", secrets.serialNumber);
}

const everything = async ({ registry }: World) => JSON.stringify(await registry.list(""));
const keyInFile = async (path: string) =>
  masterKeyOf(Buffer.from(await readFile(path, "utf8"), "base64")).id;

async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (isCairnError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test("every secret is sealed anew, the old key stays in its file until it is forgotten", async () => {
  const world = await newWorld();
  const path = join(world.folder, "master.key");
  const directory = await start(world);
  const secrets = await fill(directory, 150);
  const before = await keyInFile(path);
  const rotated = await directory.keyRotation.rotate();
  await directory.keyRotation.finished();

  const { keyId } = rotated;
  expect(keyId).not.toBe(before);
  expect(await keyInFile(path)).toBe(keyId);
  expect(await keyInFile(`${path}.old`)).toBe(before);
  for (const each of [path, `${path}.old`]) expect((await stat(each)).mode & 0o777).toBe(0o600);
  expect((await readdir(world.folder)).toSorted()).toEqual(["master.key", "master.key.old"]);
  const status = await directory.keyRotation.status();
  expect(status).toMatchObject({
    keyId,
    source: "file",
    former: { keyId: before, isHere: true, sessionsRevoked: false, path: `${path}.old` },
    progress: { state: "finished", sealedCount: 154, totalCount: 154, commitCount: 2 },
  });
  expect(await everything(world)).not.toContain(`v2.${before}.`);
  await expectAllOpen(world, directory, secrets);
  expect(await refusal(directory.keyRotation.rotate())).toMatch(
    `UnmodifiableEntity: The master key ${before} of the rotation before is still kept`,
  );

  await directory.keyRotation.forgetFormer();
  expect(await readdir(world.folder)).toEqual(["master.key"]);
  expect(await directory.keyRotation.status()).not.toHaveProperty("former");
  expect(await refusal(directory.keyRotation.forgetFormer())).toMatch(/^NoSuchEntity/);
  await expectAllOpen(world, await start(world), secrets);
  // And the way is free for the next one.
  await directory.keyRotation.rotate();
  await directory.keyRotation.finished();
  await expectAllOpen(world, await start(world), secrets);
});

test("what is sealed while the rotation runs is under the new key", async () => {
  const world = await newWorld();
  world.registry.faults.latencyMs = 0;
  const directory = await start(world);
  await fill(directory, 120);
  const before = await keyInFile(join(world.folder, "master.key"));
  // Begun before, and written only while the rotation goes on.
  await directory.createUser(accountId, "meanwhile");
  const begun = [
    directory.loginProfiles.create(accountId, "meanwhile", password, false),
    directory.createAccessKey(accountId, "meanwhile"),
  ];
  const rotating = directory.keyRotation.rotate();
  begun.push(directory.createAccessKey(accountId, "meanwhile"));
  await rotating;
  await Promise.all(begun);
  await directory.keyRotation.finished();
  expect((await directory.keyRotation.status()).progress?.state).toBe("finished");
  expect(await everything(world)).not.toContain(`v2.${before}.`);
});

/** Rotates, and then forgets, until the process dies. */
async function rotateUntil(world: World, death: Death): Promise<void> {
  try {
    const directory = await start(world, { death });
    await directory.keyRotation.rotate();
    await directory.keyRotation.finished();
    await directory.keyRotation.forgetFormer();
  } catch (error) {
    if (!death.isDead) throw error;
  }
}

describe("a process that dies at any write of a rotation", () => {
  test("leaves a folder that the next start opens and finishes", async () => {
    const counting = new Death();
    await rotateUntil((await filledWorld()).world, counting);
    // Write, link, two flushes, rename; two commits that name the key; three batches; remove, flush, commit.
    expect(counting.writeCount).toBe(13);
    for (let atWrite = 1; atWrite <= counting.writeCount; atWrite++) {
      for (const isAfter of [false, true]) {
        const { world, secrets } = await filledWorld();
        const path = join(world.folder, "master.key");
        const before = await keyInFile(path);
        await rotateUntil(world, new Death(atWrite, isAfter));

        world.registry = world.registry.crash();
        const next = await start(world);
        await expectAllOpen(world, next, secrets);
        await next.keyRotation.resume();
        await next.keyRotation.finished();
        const { keyId } = await next.keyRotation.status();
        expect(await keyInFile(path)).toBe(keyId);
        const text = await everything(world);
        const marks = new Set([...text.matchAll(/v2\.([0-9a-f]+)\./g)].map(([, id]) => id));
        expect([...marks], `write ${atWrite}, ${isAfter ? "after" : "before"} it`).toEqual([keyId]);
        expect(keyId === before).toBe(atWrite < 4 || (atWrite === 4 && !isAfter));
        await expectAllOpen(world, next, secrets);
        // Nor is anything in the way of another one.
        if ((await next.keyRotation.status()).former !== undefined) {
          await next.keyRotation.forgetFormer();
        }
        await next.keyRotation.rotate();
        await next.keyRotation.finished();
        expect((await next.keyRotation.status()).progress?.state).toBe("finished");
        await expectAllOpen(world, await start(world), secrets);
      }
    }
  });

  test("when a write fails and the process lives, another try goes on with the same key", async () => {
    for (let atCommit = 1; atCommit <= 6; atCommit++) {
      const { world, secrets } = await filledWorld();
      const directory = await start(world);
      let commitCount = 0;
      const commit = world.registry.commit.bind(world.registry);
      world.registry.commit = async (changes) => {
        commitCount += 1;
        if (commitCount === atCommit) throw new Error("no");
        return commit(changes);
      };
      await directory.keyRotation.rotate().catch(() => undefined);
      await directory.keyRotation.finished();
      const { progress } = await directory.keyRotation.status();
      expect(progress?.state).toBe(
        atCommit === 1 ? undefined : atCommit === 6 ? "finished" : "failed",
      );
      if (atCommit === 6) continue;
      const inPlace = await keyInFile(join(world.folder, "master.key"));
      const again = await directory.keyRotation.rotate();
      expect(again.keyId).toBe(inPlace);
      await directory.keyRotation.finished();
      expect((await directory.keyRotation.status()).progress?.state).toBe("finished");
      await expectAllOpen(world, await start(world), secrets);
    }
  });
});

/** Dies in the second of three batches. */
async function halfRotated() {
  const { world, secrets } = await filledWorld();
  const death = new Death(8, false);
  const directory = await start(world, { death });
  await directory.keyRotation.rotate();
  await directory.keyRotation.finished();
  expect((await directory.keyRotation.status()).progress?.state).toBe("failed");
  world.registry = world.registry.crash();
  const path = join(world.folder, "master.key");
  const [current, former] = [await keyInFile(path), await keyInFile(`${path}.old`)];
  return { world, secrets, path, current, former };
}

describe("a half-rotated folder", () => {
  test("opens with both keys, from files or given, and refuses to forget one of them", async () => {
    const { world, secrets, path, former } = await halfRotated();
    const text = await everything(world);
    expect(text).toContain(`v2.${former}.`);
    const directory = await start(world);
    await expectAllOpen(world, directory, secrets);
    expect(await refusal(directory.keyRotation.forgetFormer())).toMatch(
      /^DeleteConflict: .* 13\d secrets are still sealed under it/,
    );
    const given = await start(world, {
      text: await readFile(path, "utf8"),
      formerText: await readFile(`${path}.old`, "utf8"),
    });
    await expectAllOpen(world, given, secrets);
    await given.keyRotation.resume();
    await given.keyRotation.finished();
    expect(await everything(world)).not.toContain(`v2.${former}.`);
  });

  test("is refused with either key missing, and told which", async () => {
    const { world, path, current, former } = await halfRotated();
    const [newText, oldText] = [
      await readFile(path, "utf8"),
      await readFile(`${path}.old`, "utf8"),
    ];
    expect(await refusal(start(world, { text: newText }))).toMatch(
      new RegExp(
        `^InvalidConfiguration: the rotation from master key ${former} to ${current} is not finished: 13\\d secrets are still sealed under ${former}, and that key is not here\\. Put it back as master\\.key\\.old`,
      ),
    );
    expect(await refusal(start(world, { text: oldText }))).toBe(
      `InvalidConfiguration: the master key does not fit: a rotation from key ${former} to key ${current} is under way, and needs both, and the one that is given, or in the file master.key, is ${former}`,
    );
    const stranger = Buffer.alloc(32, 9);
    expect(
      await refusal(start(world, { text: stranger.toString("hex"), formerText: newText })),
    ).toMatch(`secrets are still sealed under ${former}, and that key is not here`);
    await rm(`${path}.old`);
    expect(await refusal(start(world))).toMatch(/that key is not here/);
    await writeFile(`${path}.old`, oldText, { mode: 0o600 });
    expect(await refusal(start(world))).toBe("accepted");
  });
});

test("a wrong key is refused before anything is read with it, and both are named", async () => {
  const world = await newWorld();
  await fill(await start(world));
  const right = await keyInFile(join(world.folder, "master.key"));
  const wrong = Buffer.alloc(32, 9);
  expect(await refusal(start(world, { text: wrong.toString("base64") }))).toBe(
    `InvalidConfiguration: the master key does not fit: the secrets are sealed under key ${right}, and the one that is given, or in the file master.key, is ${masterKeyOf(wrong).id}`,
  );
});

describe("a given key", () => {
  const texts = [1, 2, 3].map((byte) => Buffer.alloc(32, byte).toString("base64"));
  const [one = "", two = "", three = ""] = texts;

  test("is rotated by a start with another one beside it, and then stands alone", async () => {
    const world = await newWorld();
    const first = await start(world, { text: one });
    const secrets = await fill(first);
    expect(await refusal(first.keyRotation.rotate())).toMatch(
      /^UnmodifiableEntity: The master key [0-9a-f]{12} was given to the server.*CAIRN_FORMER_MASTER_KEY/,
    );
    const second = await start(world, { text: two, formerText: one });
    await expectAllOpen(world, second, secrets);
    await second.keyRotation.resume();
    await second.keyRotation.finished();
    const alone = await start(world, { text: two });
    await expectAllOpen(world, alone, secrets);
    expect(await alone.keyRotation.status()).toMatchObject({
      source: "given",
      former: { isHere: false },
    });
    expect(await refusal(start(world, { text: one }))).toMatch(/were sealed anew under key/);
    const third = await start(world, { text: three, formerText: two });
    await third.keyRotation.resume();
    await third.keyRotation.finished();
    await expectAllOpen(world, await start(world, { text: three }), secrets);
  });

  test("may be the next one of a file, and no other is taken while that rotation is unfinished", async () => {
    const world = await newWorld();
    const directory = await start(world);
    const secrets = await fill(directory);
    const { keyRotation } = directory;
    expect(await refusal(keyRotation.rotate({ newKey: "hunter2" }))).toBe(
      "ValidationFailed: the new master key is not 32 bytes in base64 or hex (7 characters)",
    );
    const present = await readFile(join(world.folder, "master.key"), "utf8");
    expect(await refusal(keyRotation.rotate({ newKey: present }))).toMatch(
      /^ValidationFailed: the new key is the present one/,
    );
    const { keyId } = await keyRotation.rotate({ newKey: one });
    expect(keyId).toBe(masterKeyOf(Buffer.from(one, "base64")).id);
    expect(await refusal(keyRotation.rotate({ newKey: two }))).toMatch(
      /^UnmodifiableEntity: (A rotation to the key|The master key)/,
    );
    await keyRotation.finished();
    await expectAllOpen(world, await start(world), secrets);
  });
});

test("a folder of an earlier Cairn, whose values name no key, is rotated as well", async () => {
  const world = await newWorld();
  const path = join(world.folder, "master.key");
  const directory = await start(world);
  const secrets = await fill(directory);
  const key = Buffer.from(await readFile(path, "utf8"), "base64");
  for (const { key: name, value } of await world.registry.list<{ sealedSecret: string }>(
    "access-key/",
  )) {
    const secret = secrets.keys.find(({ accessKeyId }) => name.endsWith(accessKeyId));
    const nonce = systemRandom.bytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(name));
    const text = [nonce, cipher.update(secret?.secretAccessKey ?? ""), cipher.final()];
    const sealedSecret = `v1.${Buffer.concat([...text, cipher.getAuthTag()]).toString("base64url")}`;
    await world.registry.commit([{ key: name, value: { ...value, sealedSecret } }]);
  }
  await world.registry.commit([{ key: "master-key", value: undefined }]);
  const stranger = Buffer.alloc(32, 9).toString("hex");
  expect(await refusal(start(world, { text: stranger }))).toMatch(/^InvalidConfiguration/);
  const next = await start(world);
  await expectAllOpen(world, next, secrets);
  await next.keyRotation.rotate();
  await next.keyRotation.finished();
  expect(await everything(world)).not.toContain('"v1.');
  await next.keyRotation.forgetFormer();
  await expectAllOpen(world, await start(world), secrets);
});

async function withSession() {
  const world = await newWorld();
  const directory = await start(world);
  await fill(directory);
  const bearer = { kind: "root", accountId } as const;
  const { accessKeyId, sessionToken } = directory.sessions.issue({
    bearer,
    seconds: 36 * 3600,
    mfa: false,
  });
  const find = async (from: Directory) =>
    (await from.findKey(accessKeyId, sessionToken))?.status ?? "refused";
  expect(await find(directory)).toBe("Active");
  return { world, directory, find };
}

describe("session tokens from before a rotation", () => {
  test("stay good until they end, across restarts, as long as the former key is kept", async () => {
    const { world, directory, find } = await withSession();
    await directory.keyRotation.rotate();
    await directory.keyRotation.finished();
    expect(await find(directory)).toBe("Active");
    expect(await find(await start(world))).toBe("Active");
    await directory.keyRotation.forgetFormer();
    expect(await find(directory)).toBe("refused");
    expect(await find(await start(world))).toBe("refused");
  });

  test("end with the rotation when that is asked for, also of one that is under way", async () => {
    const { world, directory, find } = await withSession();
    await directory.keyRotation.rotate({ revokeSessions: true });
    expect(await find(directory)).toBe("refused");
    await directory.keyRotation.finished();
    expect(await find(await start(world))).toBe("refused");
    const later = directory.sessions.issue({
      bearer: { kind: "root", accountId },
      seconds: 900,
      mfa: false,
    });
    expect(await directory.findKey(later.accessKeyId, later.sessionToken)).toBeDefined();
  });

  test("are none of ours once no real one can be left: the former key makes none that is believed", async () => {
    const { world, directory, find } = await withSession();
    await directory.keyRotation.rotate();
    await directory.keyRotation.finished();
    world.clock.advance(sessionMsMax);
    expect(await find(await start(world))).toBe("refused");
  });
});
