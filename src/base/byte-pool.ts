// Large buffers that are used again and again.
//
// Each one made anew counts against V8's bound for memory outside its heap: under a load of megabytes it would collect
// the whole heap several times a second, and the system would clear the same pages each time.

export class BytePool {
  readonly #bytesMax: number;
  #free: ArrayBuffer[] = [];
  #freeBytes = 0;

  /** Keeps at most so many bytes that nobody uses. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** At least so long, holding whatever it held before. */
  take(byteLength: number): ArrayBuffer {
    const at = this.#free.findLastIndex((each) => each.byteLength >= byteLength);
    const [found] = at < 0 ? [] : this.#free.splice(at, 1);
    if (found === undefined) return new ArrayBuffer(byteLength);
    this.#freeBytes -= found.byteLength;
    return found;
  }

  /** Whoever gives it must be its last user. One that is given to nobody costs nothing but its place here. */
  give(buffer: ArrayBuffer): void {
    if (this.#freeBytes + buffer.byteLength > this.#bytesMax) return;
    this.#free.push(buffer);
    this.#freeBytes += buffer.byteLength;
  }
}
