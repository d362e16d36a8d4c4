// The directory's promises, on the in-memory registry.
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { describe, expect, test } from "vitest";
import { TestClock } from "../base/clock.ts";
import { isCairnError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { createMemoryRegistry } from "../registry/memory/memory-registry.ts";
import type { SignedRequest } from "../signature/canonical.ts";
import { createAuthenticator } from "./authenticate.ts";
import { signatureFailuresMax } from "./failure-limit.ts";
import { loadMasterKey } from "./master-key.ts";
import { MasterKeys } from "./master-keys.ts";
import { openDirectory } from "./open-directory.ts";
import { seal, unseal } from "./seal.ts";

const accountId = "111122223333";
const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const masterKey = Buffer.alloc(32, 7);

function open(
  options: { masterKey?: Buffer; registry?: ReturnType<typeof createMemoryRegistry> } = {},
) {
  const registry = options.registry ?? createMemoryRegistry();
  const clock = new TestClock(nowMs);
  const directory = openDirectory({
    registry,
    masterKey: options.masterKey ?? masterKey,
    clock,
    random: systemRandom,
    firstAccountId: accountId,
  });
  return { registry, clock, directory, authenticator: createAuthenticator({ directory, clock }) };
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
  } catch (error) {
    if (isCairnError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

async function signed(
  key: { accessKeyId: string; secretAccessKey: string },
  service = "cloudtrail",
): Promise<SignedRequest> {
  const signer = new SignatureV4({
    service,
    region: "eu-west-1",
    sha256: Sha256,
    credentials: key,
  });
  const request = await signer.sign(
    {
      method: "POST",
      protocol: "http:",
      hostname: "localhost",
      path: "/",
      headers: { host: "localhost" },
      body: "{}",
    },
    { signingDate: new Date(nowMs) },
  );
  return { method: "POST", path: "/", query: "", headers: request.headers };
}
async function inFolder(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cairn-master-key-"));
  try {
    await run(join(folder, "new", "master.key"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("first start", () => {
  test("makes the account and a root key, and tells its secret once", async () => {
    const { directory } = open();
    const first = await directory.ensureFirstAccount();
    expect(first.accountId).toBe(accountId);
    expect(first.accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
    expect(first.secretAccessKey).toMatch(/^[A-Za-z0-9+/]{40}$/);
    const again = await directory.ensureFirstAccount();
    expect(again).toEqual({ accountId, accessKeyId: first.accessKeyId });
    expect(await directory.findKey(first.accessKeyId ?? "")).toEqual({
      secret: first.secretAccessKey,
      status: "Active",
      caller: { kind: "root", accountId, accessKeyId: first.accessKeyId },
    });
  });

  test("adopts a given key, and a later given one takes its place", async () => {
    const { directory } = open();
    const one = { accessKeyId: "GIVENKEYONE", secretAccessKey: "a-secret-of-ours" };
    const two = { accessKeyId: "GIVENKEYTWO", secretAccessKey: "another-secret" };
    await directory.ensureFirstAccount({ givenKey: one });
    expect((await directory.listAccessKeys(accountId)).map((key) => key.accessKeyId)).toEqual([
      "GIVENKEYONE",
    ]);
    const changed = { ...one, secretAccessKey: "the-secret-changed" };
    await directory.ensureFirstAccount({ givenKey: changed });
    expect((await directory.findKey("GIVENKEYONE"))?.secret).toBe("the-secret-changed");
    await directory.ensureFirstAccount({ givenKey: two });
    await directory.ensureFirstAccount({ givenKey: two });
    expect(await directory.findKey("GIVENKEYONE")).toBeUndefined();
    expect((await directory.findKey("GIVENKEYTWO"))?.secret).toBe("another-secret");
  });

  test("a given key stands beside one that was made", async () => {
    const { directory } = open();
    const made = await directory.ensureFirstAccount();
    await directory.ensureFirstAccount({
      givenKey: { accessKeyId: "GIVENKEY", secretAccessKey: "a-secret-of-ours" },
    });
    expect((await directory.listAccessKeys(accountId)).map((key) => key.accessKeyId)).toEqual([
      made.accessKeyId,
      "GIVENKEY",
    ]);
  });

  test("a given key that is a user's, or none at all, is refused", async () => {
    const { directory } = open();
    await directory.ensureFirstAccount();
    await directory.createUser(accountId, "alice");
    const key = await directory.createAccessKey(accountId, "alice");
    expect(
      await refusal(
        directory.ensureFirstAccount({
          givenKey: { accessKeyId: key.accessKeyId, secretAccessKey: "a-secret-of-ours" },
        }),
      ),
    ).toMatch(/belongs to user alice/);
    expect(
      await refusal(
        directory.ensureFirstAccount({
          givenKey: { accessKeyId: "a/b", secretAccessKey: "a-secret-of-ours" },
        }),
      ),
    ).toMatch(/^InvalidConfiguration/);
    expect(
      await refusal(
        directory.ensureFirstAccount({
          givenKey: { accessKeyId: "GIVENKEY", secretAccessKey: "short" },
        }),
      ),
    ).toMatch(/^InvalidConfiguration/);
  });

  test("another master key is found at start", async () => {
    const { registry, directory } = open();
    await directory.ensureFirstAccount();
    const other = open({ registry, masterKey: Buffer.alloc(32, 8) });
    expect(await refusal(other.directory.ensureFirstAccount())).toMatch(
      /^InvalidConfiguration: the master key does not open the secret of access-key\/AKIA/,
    );
  });
});

describe("users and keys", () => {
  test("names, paths and quotas are IAM's, in IAM's words", async () => {
    const { directory } = open();
    await directory.ensureFirstAccount();
    const user = await directory.createUser(accountId, "Alice", "/team/");
    expect(user).toEqual({
      accountId,
      userName: "Alice",
      path: "/team/",
      createdMs: nowMs,
      userId: expect.stringMatching(/^AIDA[A-Z2-7]{16}$/),
    });
    expect(await directory.listUsers(accountId)).toEqual([user]);
    await directory.createUser(accountId, "a+b=c,d.e@f-g_h");
    await directory.createUser(accountId, "a".repeat(64));
    const cases: [Promise<unknown>, string | RegExp][] = [
      [
        directory.createUser(accountId, "alice"),
        "EntityAlreadyExists: User with name alice already exists.",
      ],
      [
        directory.createUser(accountId, "a b"),
        /^ValidationFailed: The specified value for userName is invalid/,
      ],
      [
        directory.createUser(accountId, "a/b"),
        /^ValidationFailed: The specified value for userName is invalid/,
      ],
      [directory.createUser(accountId, ""), /^ValidationFailed: .*greater than or equal to 1$/],
      [
        directory.createUser(accountId, "a".repeat(65)),
        /^ValidationFailed: .*less than or equal to 64$/,
      ],
      [
        directory.createUser(accountId, "bob", "team"),
        /^ValidationFailed: The specified value for path is invalid/,
      ],
      [
        directory.createUser("999999999999", "bob"),
        "NoSuchEntity: Account 999999999999 cannot be found.",
      ],
      [
        directory.createAccessKey(accountId, "bob"),
        "NoSuchEntity: The user with name bob cannot be found.",
      ],
      [directory.createAccount("12"), /^ValidationFailed/],
      [directory.createAccount(accountId), /^EntityAlreadyExists/],
      [
        directory.deleteAccessKey(accountId, "AKIAUNKNOWN"),
        "NoSuchEntity: The Access Key with id AKIAUNKNOWN cannot be found.",
      ],
    ];
    for (const [attempt, expected] of cases) expect(await refusal(attempt)).toMatch(expected);
    await directory.createAccessKey(accountId, "Alice");
    await directory.createAccessKey(accountId, "Alice");
    expect(await refusal(directory.createAccessKey(accountId, "Alice"))).toBe(
      "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2",
    );
  });

  test("keys made at the same time do not pass the quota", async () => {
    const { directory } = open();
    await directory.ensureFirstAccount();
    await directory.createUser(accountId, "alice");
    const made = await Promise.allSettled(
      Array.from({ length: 5 }, () => directory.createAccessKey(accountId, "alice")),
    );
    expect(made.filter((each) => each.status === "fulfilled")).toHaveLength(2);
    expect(
      (await directory.listAccessKeys(accountId)).filter((key) => key.userName === "alice"),
    ).toHaveLength(2);
  });

  test("a key of another account can be neither changed nor deleted", async () => {
    const { directory } = open();
    const root = await directory.ensureFirstAccount();
    await directory.createAccount("999999999999");
    expect(
      await refusal(directory.deleteAccessKey("999999999999", root.accessKeyId ?? "")),
    ).toMatch(/^NoSuchEntity/);
    expect(
      await refusal(
        directory.setAccessKeyStatus("999999999999", root.accessKeyId ?? "", "Inactive"),
      ),
    ).toMatch(/^NoSuchEntity/);
    expect((await directory.listAccounts()).map((account) => account.accountId)).toEqual([
      accountId,
      "999999999999",
    ]);
  });

  test("no secret stands in the registry in the clear", async () => {
    const { directory, registry } = open();
    await directory.ensureFirstAccount();
    await directory.createUser(accountId, "alice");
    const key = await directory.createAccessKey(accountId, "alice");
    const everything = JSON.stringify(await registry.list(""));
    expect(everything).toContain(key.accessKeyId);
    expect(everything).not.toContain(key.secretAccessKey);
  });

  test("a sealed secret opens for its own key only", () => {
    const keys = new MasterKeys(masterKey);
    const sealed = seal("secret", "access-key/A", keys.current, systemRandom);
    expect(sealed).toMatch(new RegExp(`^v2\\.${keys.current.id}\\.`));
    expect(unseal(sealed, "access-key/A", keys)).toBe("secret");
    expect(() => unseal(sealed, "access-key/B", keys)).toThrow(/access-key\/B/);
    const other = new MasterKeys(Buffer.alloc(32, 8));
    expect(() => unseal(sealed, "access-key/A", other)).toThrow(
      `it is sealed under key ${keys.current.id}`,
    );
    const renamed = sealed.replace(keys.current.id, other.current.id);
    expect(() => unseal(renamed, "access-key/A", other)).toThrow(/does not open/);
    expect(() => unseal(`v1.${"A".repeat(sealed.length)}`, "access-key/A", keys)).toThrow(
      /does not open/,
    );
    expect(() => unseal("", "access-key/A", keys)).toThrow(/does not open/);
  });
});

describe("authentication", () => {
  const body = Buffer.from("{}");

  test("a signed request is its user's, until the key is disabled or deleted, at once", async () => {
    const { directory, authenticator } = open();
    await directory.ensureFirstAccount();
    const { userId } = await directory.createUser(accountId, "alice", "/team/");
    const key = await directory.createAccessKey(accountId, "alice");
    const request = await signed(key);
    expect(await authenticator.authenticate(request, { service: "cloudtrail", body })).toEqual({
      caller: {
        kind: "user",
        accountId,
        accessKeyId: key.accessKeyId,
        userName: "alice",
        userId,
        path: "/team/",
      },
      region: "eu-west-1",
      signingName: "cloudtrail",
    });
    const invalid = "InvalidClientTokenId: The security token included in the request is invalid.";
    await directory.setAccessKeyStatus(accountId, key.accessKeyId, "Inactive");
    expect(await refusal(authenticator.authenticate(request, { body }))).toBe(invalid);
    await directory.setAccessKeyStatus(accountId, key.accessKeyId, "Active");
    expect(await refusal(authenticator.authenticate(request, { body }))).toBe("accepted");
    await directory.deleteAccessKey(accountId, key.accessKeyId);
    expect(await refusal(authenticator.authenticate(request, { body }))).toBe(invalid);
  });

  test("an address that signs wrongly again and again is not listened to for a while", async () => {
    const { directory, clock } = open();
    const authenticator = createAuthenticator({ directory, clock, limitsFailures: true });
    await directory.ensureFirstAccount();
    await directory.createUser(accountId, "alice");
    const key = await directory.createAccessKey(accountId, "alice");
    const other = await directory.createAccessKey(accountId, "alice");
    const from = async (remoteAddress: string, credentials = key) =>
      refusal(
        authenticator.authenticate({ ...(await signed(credentials)), remoteAddress }, { body }),
      );
    const wrong = { ...key, secretAccessKey: "wrong" };
    for (let number = 0; number < signatureFailuresMax; number++) {
      // What is right in between makes no room for more guesses.
      expect(await from("192.0.2.1")).toBe("accepted");
      expect(await from("192.0.2.1", wrong)).toMatch(/^SignatureDoesNotMatch/);
    }
    expect(await from("192.0.2.1", wrong)).toMatch(/^Throttled: Too many failed attempts/);
    expect(await from("192.0.2.1")).toMatch(/^Throttled/);
    expect(await from("192.0.2.1", other)).toBe("accepted");
    expect(await from("192.0.2.2")).toBe("accepted");
    clock.advance(299_999);
    expect(await from("192.0.2.1")).not.toBe("accepted");
    clock.advance(1);
    expect(await refusal(authenticator.authenticate(await signed(key), { body }))).not.toMatch(
      /^Throttled/,
    );
    const unlimited = createAuthenticator({ directory, clock });
    for (let number = 0; number <= signatureFailuresMax; number++) {
      const request = { ...(await signed(wrong)), remoteAddress: "192.0.2.1" };
      expect(await refusal(unlimited.authenticate(request, { body }))).not.toMatch(/^Throttled/);
    }
  });

  test("every other request is refused in AWS's words, and the examination says whose key it named", async () => {
    const { directory, authenticator } = open();
    const root = await directory.ensureFirstAccount();
    const accessKeyId = root.accessKeyId ?? "";
    const unsigned = { method: "POST", path: "/", query: "", headers: { host: "localhost" } };
    expect(await refusal(authenticator.authenticate(unsigned))).toBe(
      "MissingAuthenticationToken: Missing Authentication Token",
    );
    const wrong = await signed({ accessKeyId, secretAccessKey: "wrong" });
    const examination = await authenticator.examine(wrong, { body });
    expect(examination).toMatchObject({
      ok: false,
      error: { code: "SignatureDoesNotMatch" },
      key: { caller: { kind: "root", accountId } },
    });
    const stranger = await authenticator.examine(
      await signed({ accessKeyId: "AKIASTRANGER", secretAccessKey: "x" }),
    );
    expect(stranger).toMatchObject({
      ok: false,
      error: { code: "InvalidClientTokenId" },
      signature: { accessKeyId: "AKIASTRANGER" },
    });
    expect(stranger).not.toHaveProperty("key");
    const good = await signed({ accessKeyId, secretAccessKey: root.secretAccessKey ?? "" });
    expect(await refusal(authenticator.authenticate(good, { service: "sts", body }))).toBe(
      "SignatureDoesNotMatch: Credential should be scoped to correct service: 'sts'.",
    );
    expect(await refusal(authenticator.authenticate(good, { body: Buffer.from("{} ") }))).toMatch(
      /^PayloadHashMismatch/,
    );
  });
});

describe("the master key", () => {
  test("is made once, for its owner's eyes only, and found again", async () => {
    await inFolder(async (path) => {
      const keys = await Promise.all(
        [1, 2, 3].map(() => loadMasterKey({ path, random: systemRandom })),
      );
      expect(new Set(keys.map(({ current }) => current.toString("hex"))).size).toBe(1);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(Buffer.from(await readFile(path, "utf8"), "base64")).toEqual(keys[0]?.current);
      await chmod(path, 0o644);
      expect(await refusal(loadMasterKey({ path, random: systemRandom }))).toMatch(
        /mode 644\); make it 600$/,
      );
    });
  });

  test("may be given as text; anything but 32 bytes is refused without being repeated", async () => {
    await inFolder(async (path) => {
      const given = (text: string) => loadMasterKey({ path, text, random: systemRandom });
      expect(await given(masterKey.toString("base64"))).toEqual({ current: masterKey });
      expect(await given(`${masterKey.toString("hex")}\n`)).toEqual({ current: masterKey });
      expect(await refusal(given("hunter2"))).toBe(
        "InvalidConfiguration: the given master key is not 32 bytes in base64 or hex (7 characters)",
      );
    });
    await inFolder(async (path) => {
      await loadMasterKey({ path, random: systemRandom });
      await writeFile(path, "spoilt");
      expect(await refusal(loadMasterKey({ path, random: systemRandom }))).toMatch(
        /master\.key is not 32 bytes/,
      );
    });
  });
});
