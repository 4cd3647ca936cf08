/** Values from one side, awaited at the other. */
export class Queue<T> implements AsyncIterable<T> {
  #values: T[] = [];
  #ended = false;
  #wake = () => {};

  push(value: T): void {
    this.#values.push(value);
    this.#wake();
  }

  /** No more values come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The next value, or `undefined` at the end. */
  async next(): Promise<T | undefined> {
    while (this.#values.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#values.shift();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (let value = await this.next(); value !== undefined; value = await this.next()) {
      yield value;
    }
  }
}
