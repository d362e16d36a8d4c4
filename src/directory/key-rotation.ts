// Rotation of the master key: another key takes its place, and every sealed value is sealed anew under it.
//
//   replaced ──► named in the registry ──► used ──► values sealed anew, batch by batch ──► finished ──► forgotten
//   (key-files.ts)                        │        both keys open everything from here       │   the former one is gone
//                                         └ new secrets, session tokens                      └ kept for backups and tokens
//
// `master-key` in the registry says which key seals, and what became of the one before it. Each sealed value names its
// own key, so that a crash anywhere leaves nothing in doubt: the next start finds both keys and goes on.
import { CairnError, isCairnError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Core } from "./core.ts";
import type { KeyFiles } from "./key-files.ts";
import { type MasterKey, masterKeyBytes, masterKeyOf, parseMasterKey } from "./master-keys.ts";
import { countByKey, keysSealedUnder, sealAnew, sealedOtherwise } from "./sealed-places.ts";

interface FormerKey {
  keyId: string;
  startedMs: number;
  /** Undefined: something may still be sealed under it. */
  endedMs?: number;
  /** Session tokens from before the rotation are refused. */
  sessionsRevoked?: true;
}

interface MasterKeyDocument {
  /** The key that seals. */
  keyId: string;
  former?: FormerKey;
}

export interface RotationProgress {
  state: "running" | "finished" | "failed";
  /** Values that this run has sealed anew, and how many it set out to. */
  sealedCount: number;
  totalCount: number;
  commitCount: number;
  /** Of a run that failed. */
  why?: string;
}

export interface RotationStatus {
  keyId: string;
  /** `given`: by the environment or a flag, and whoever gave it changes it. */
  source: "file" | "given";
  /** Undefined where it is given. */
  path?: string;
  former?: Omit<FormerKey, "sessionsRevoked"> & {
    /** It is at hand, and opens what it sealed. */
    isHere: boolean;
    path?: string;
    sessionsRevoked: boolean;
    /** No session token of before is good from here on. */
    sessionsEndMs: number;
  };
  /** Of this process's last run. */
  progress?: RotationProgress;
}

export interface RotationOptions {
  core: Core;
  files?: KeyFiles | undefined;
  /** Told when another key is in use, for what else is made from it. */
  onReplaced?: ((masterKey: Buffer) => void) | undefined;
  log: Log;
}

const documentKey = "master-key";
/** Values in one commit: some tens of milliseconds of a change that others wait for. */
const batchCount = 100;
/** The longest life of a session token (GetSessionToken, GetFederationToken): after it, none of the former key is real. */
export const sessionMsMax = 36 * 3600 * 1000;

export class KeyRotation {
  readonly #core: Core;
  readonly #files: KeyFiles | undefined;
  readonly #onReplaced: RotationOptions["onReplaced"];
  readonly #log: Log;
  #progress: RotationProgress | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ core, files, onReplaced, log }: RotationOptions) {
    this.#core = core;
    this.#files = files;
    this.#onReplaced = onReplaced;
    this.#log = log;
  }

  /**
   * Holds the keys against what the registry says that it is sealed under. Throws InvalidConfiguration when one is
   * missing, naming it. Where a rotation was cut short, or a key was given beside its former one, `resume` goes on.
   */
  async settle(): Promise<void> {
    const document = await this.#document();
    const settled =
      document === undefined ? await this.#examineAll() : await this.#compare(document);
    if (settled !== document) await this.#write(settled);
    this.#limitFormerTexts(settled.former);
  }

  /** Seals anew what a rotation has left, without waiting for it; nothing where none is under way. */
  async resume(): Promise<void> {
    const { former } = (await this.#document()) ?? {};
    if (former !== undefined && former.endedMs === undefined) this.#start();
  }

  /**
   * Resolves when the new key is durable and in use; sealing anew goes on behind it (`finished`). An interrupted
   * rotation goes on instead of another beginning. Refused while the key before this one is still kept.
   */
  rotate(options: { newKey?: string; revokeSessions?: boolean } = {}): Promise<RotationStatus> {
    return this.#inTurn(async () => {
      const files = this.#files;
      if (files === undefined) throw givenKey(this.#core.masterKeys.current);
      const wanted = options.newKey === undefined ? undefined : checkedKey(options.newKey);
      const document = await this.#document();
      const { current, former } = this.#core.masterKeys;
      const known = document?.former;
      if (known !== undefined && document?.keyId === current.id) {
        if (known.endedMs === undefined) {
          checkWanted(wanted, current);
          if (options.revokeSessions === true) await this.#revokeSessions(current.id, known);
          this.#start();
          return this.status();
        }
        if (former !== undefined) throw formerIsKept(former.id);
      }
      if (wanted?.equals(current.bytes) === true) {
        throw new CairnError("ValidationFailed", `the new key is the present one, ${current.id}`);
      }
      const next = wanted ?? this.#core.random.bytes(masterKeyBytes);
      const inPlace = masterKeyOf(await files.replace(current.bytes, next));
      checkWanted(wanted, inPlace);
      const changed: FormerKey = {
        keyId: current.id,
        startedMs: this.#core.clock.nowMs(),
        ...(options.revokeSessions === true ? { sessionsRevoked: true } : {}),
      };
      await this.#write({ keyId: inPlace.id, former: changed });
      this.#core.masterKeys.replace(inPlace);
      this.#limitFormerTexts(changed);
      this.#onReplaced?.(inPlace.bytes);
      this.#start();
      return this.status();
    });
  }

  /** When nothing is under way any more; what came of it is in the status. */
  async finished(): Promise<void> {
    await this.#running;
  }

  async status(): Promise<RotationStatus> {
    const { current, former } = this.#core.masterKeys;
    const known = (await this.#document())?.former;
    return {
      keyId: current.id,
      source: this.#files === undefined ? "given" : "file",
      ...(this.#files === undefined ? {} : { path: this.#files.path }),
      ...(known === undefined ? {} : { former: this.#formerStatus(known, former) }),
      ...(this.#progress === undefined ? {} : { progress: { ...this.#progress } }),
    };
  }

  /** Nothing opens with the former key after this: no backup of the registry from before, no session token either. */
  forgetFormer(): Promise<void> {
    return this.#inTurn(async () => {
      const document = await this.#document();
      const former = document?.former;
      if (document === undefined || former === undefined) {
        throw new CairnError("NoSuchEntity", "There is no former master key.");
      }
      const left = await keysSealedUnder(this.#core, former.keyId);
      if (former.endedMs === undefined || left.length > 0) {
        throw new CairnError(
          "DeleteConflict",
          `Cannot forget the master key ${former.keyId}: ${counted(left.length)} still sealed under it, and the rotation must be finished first.`,
        );
      }
      // The file first: a crash in between leaves a name in the registry, and no key that nobody knows of.
      await this.#files?.forgetFormer();
      this.#core.masterKeys.forgetFormer();
      await this.#write({ keyId: document.keyId });
    });
  }

  /** Ends between two commits; the next start goes on. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  #start(): void {
    if (this.#progress?.state === "running") return;
    const progress: RotationProgress = {
      state: "running",
      sealedCount: 0,
      totalCount: 0,
      commitCount: 0,
    };
    this.#progress = progress;
    this.#running = this.#run(progress).catch((error: unknown) => {
      progress.state = "failed";
      // Only our own words are for others' eyes.
      progress.why = isCairnError(error) ? error.message : "an internal error; the log says more";
      this.#log.error({ err: error }, "the rotation of the master key stopped");
    });
  }

  async #run(progress: RotationProgress): Promise<void> {
    const { documents } = this.#core;
    // Behind every change that began to seal before the keys were exchanged.
    await documents.change(() => Promise.resolve());
    const left = await sealedOtherwise(this.#core);
    progress.totalCount = left.length;
    for (let start = 0; start < left.length && !this.#isStopping; start += batchCount) {
      const batch = left.slice(start, start + batchCount);
      await documents.change(async (draft) => {
        for (const key of batch) {
          const present = await draft.get<object>(key);
          const anew = present === undefined ? undefined : sealAnew(this.#core, key, present);
          if (anew !== undefined) draft.put(key, anew);
        }
      });
      progress.sealedCount += batch.length;
      progress.commitCount += 1;
    }
    if (this.#isStopping) return;
    await this.#finish();
    progress.state = "finished";
    const { sealedCount, commitCount } = progress;
    this.#log.info({ sealedCount, commitCount }, "the rotation of the master key is finished");
  }

  async #finish(): Promise<void> {
    const document = await this.#document();
    if (document?.former === undefined) return;
    const left = await keysSealedUnder(this.#core, document.former.keyId);
    if (left.length > 0) {
      throw new CairnError(
        "RegistryConflict",
        `${counted(left.length)} still sealed under the master key ${document.former.keyId}, such as ${left[0]}: rotate again to go on`,
      );
    }
    const former = { ...document.former, endedMs: this.#core.clock.nowMs() };
    await this.#write({ ...document, former });
  }

  /** Without a document: a folder from before there was one, or a new one. */
  async #examineAll(): Promise<MasterKeyDocument> {
    const { current, former } = this.#core.masterKeys;
    const counts = await countByKey(this.#core);
    const isUnderFormer = former !== undefined && counts.has(former.id);
    counts.delete(current.id);
    if (former !== undefined) counts.delete(former.id);
    for (const [id, count] of counts) {
      throw wrongKey(
        `${counted(count)} sealed under ${id === undefined ? "another key" : `key ${id}`}`,
        current,
      );
    }
    if (!isUnderFormer) return { keyId: current.id };
    return { keyId: current.id, former: this.#replacedNow(former.id) };
  }

  async #compare(document: MasterKeyDocument): Promise<MasterKeyDocument> {
    const { current, former } = this.#core.masterKeys;
    const { keyId, former: known } = document;
    const isUnderWay = known !== undefined && known.endedMs === undefined;
    if (keyId === current.id) {
      if (!isUnderWay || former?.id === known.keyId) return document;
      await this.#checkNothingLeft(known.keyId, keyId);
      return { keyId, former: { ...known, endedMs: this.#core.clock.nowMs() } };
    }
    if (keyId === former?.id) {
      if (isUnderWay) await this.#checkNothingLeft(known.keyId, keyId);
      return { keyId: current.id, former: this.#replacedNow(keyId) };
    }
    if (known?.keyId === current.id) {
      const what = isUnderWay
        ? `a rotation from key ${current.id} to key ${keyId} is under way, and needs both`
        : `the secrets were sealed anew under key ${keyId}`;
      throw wrongKey(what, current);
    }
    throw wrongKey(`the secrets are sealed under key ${keyId}`, current);
  }

  async #checkNothingLeft(formerId: string, currentId: string): Promise<void> {
    const left = await keysSealedUnder(this.#core, formerId);
    if (left.length === 0) return;
    throw new CairnError(
      "InvalidConfiguration",
      `the rotation from master key ${formerId} to ${currentId} is not finished: ${counted(left.length)} still sealed under ${formerId}, and that key is not here. Put it back as master.key.old, or give it as CAIRN_FORMER_MASTER_KEY.`,
    );
  }

  #replacedNow(keyId: string): FormerKey {
    return { keyId, startedMs: this.#core.clock.nowMs() };
  }

  async #revokeSessions(keyId: string, former: FormerKey): Promise<void> {
    const changed: FormerKey = { ...former, sessionsRevoked: true };
    await this.#write({ keyId, former: changed });
    this.#limitFormerTexts(changed);
  }

  #limitFormerTexts(former: FormerKey | undefined): void {
    if (former === undefined) return;
    this.#core.masterKeys.takeFormerTextsUntil(sessionsEndMs(former));
  }

  #formerStatus(
    known: FormerKey,
    here: MasterKey | undefined,
  ): NonNullable<RotationStatus["former"]> {
    const { sessionsRevoked = false, ...rest } = known;
    const isHere = here?.id === known.keyId;
    return {
      ...rest,
      isHere,
      ...(isHere && this.#files !== undefined ? { path: this.#files.formerPath } : {}),
      sessionsRevoked,
      sessionsEndMs: sessionsEndMs(known),
    };
  }

  #document(): Promise<MasterKeyDocument | undefined> {
    return this.#core.documents.get<MasterKeyDocument>(documentKey);
  }

  async #write(document: MasterKeyDocument): Promise<void> {
    await this.#core.documents.change(async (draft) => draft.put(documentKey, document));
  }

  /** One administrator at a time. */
  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const made = this.#last.then(run);
    // The next one does not fail because this one did; this one's caller hears of it.
    this.#last = made.catch(() => undefined);
    return made;
  }
}

function sessionsEndMs({ startedMs, sessionsRevoked }: FormerKey): number {
  return sessionsRevoked === true ? startedMs : startedMs + sessionMsMax;
}

const counted = (count: number) => (count === 1 ? "1 secret is" : `${count} secrets are`);

function checkedKey(text: string): Buffer {
  try {
    return parseMasterKey(text, "the new master key");
  } catch (error) {
    throw new CairnError("ValidationFailed", (error as Error).message);
  }
}

function checkWanted(wanted: Buffer | undefined, inPlace: MasterKey): void {
  if (wanted === undefined || wanted.equals(inPlace.bytes)) return;
  throw new CairnError(
    "UnmodifiableEntity",
    `A rotation to the key ${inPlace.id} has begun before: finish it first, without naming another key.`,
  );
}

function formerIsKept(id: string): CairnError {
  return new CairnError(
    "UnmodifiableEntity",
    `The master key ${id} of the rotation before is still kept: forget it first (cairn key rotate-master --forget-old).`,
  );
}

function givenKey(current: MasterKey): CairnError {
  return new CairnError(
    "UnmodifiableEntity",
    `The master key ${current.id} was given to the server, which cannot give itself another one: start it again with CAIRN_MASTER_KEY as the new key and CAIRN_FORMER_MASTER_KEY as the present one.`,
  );
}

function wrongKey(what: string, current: MasterKey): CairnError {
  return new CairnError(
    "InvalidConfiguration",
    `the master key does not fit: ${what}, and the one that is given, or in the file master.key, is ${current.id}`,
  );
}
