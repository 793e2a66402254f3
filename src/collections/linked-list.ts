/**
 * A doubly linked list whose links live in its values: joining costs no allocation, and any value leaves in O(1).
 * A value stands in one list at a time. Ready queues, leases, scheduler buckets and the list of finished tasks are made of it.
 */
export class LinkedList<T extends Listed<T>> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | null {
    return this.#first;
  }

  get last(): T | null {
    return this.#last;
  }

  /** Appends a value that stands in no list. */
  pushBack(value: T): void {
    this.#claim(value);
    value.previous = this.#last;
    if (this.#last === null) this.#first = value;
    else this.#last.next = value;
    this.#last = value;
  }

  /** Puts a value that stands in no list before all others. */
  pushFront(value: T): void {
    this.#claim(value);
    value.next = this.#first;
    if (this.#first === null) this.#last = value;
    else this.#first.previous = value;
    this.#first = value;
  }

  /** Takes a value out. One that is not in this list is left alone: false. */
  remove(value: T): boolean {
    if (value.list !== this) return false;
    if (value.previous === null) this.#first = value.next;
    else value.previous.next = value.next;
    if (value.next === null) this.#last = value.previous;
    else value.next.previous = value.previous;
    value.list = null;
    value.previous = null;
    value.next = null;
    this.#size--;
    return true;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let value = this.#first; value !== null; value = value.next) yield value;
  }

  #claim(value: T): void {
    if (value.list !== null) throw new Error('the value stands in a list already');
    value.list = this;
    this.#size++;
  }
}

/** The place of a value in its list. Only the list writes to it. */
export interface Listed<T extends Listed<T>> {
  list: LinkedList<T> | null;
  previous: T | null;
  next: T | null;
}
