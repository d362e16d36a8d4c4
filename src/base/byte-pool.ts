// Large buffers that are used again and again, by any thread.
//
// Made anew each time, they would count against V8's bound for memory outside its heap: under a load of megabytes it
// collects the whole heap several times a second. Shared ones are not counted, also not when threads hand them over.

export class BytePool {
  readonly #bytesMax: number;
  #free: SharedArrayBuffer[] = [];
  #freeBytes = 0;

  /** Keeps at most so many bytes that nobody uses. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** At least so long, holding whatever it held before. */
  take(byteLength: number): SharedArrayBuffer {
    const at = this.#free.findLastIndex((each) => each.byteLength >= byteLength);
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    if (found === undefined) return new SharedArrayBuffer(byteLength);
    this.#freeBytes -= found.byteLength;
    return found;
  }

  /** Whoever gives it must be its last user. One that is given to nobody costs nothing but its place here. */
  give(buffer: SharedArrayBuffer): void {
    if (this.#freeBytes + buffer.byteLength > this.#bytesMax) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.byteLength;
  }
}
