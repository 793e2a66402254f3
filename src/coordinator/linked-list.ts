/**
 * A doubly linked list whose links its users keep, so that any value leaves in O(1). Ready queues, scheduler buckets
 * and the list of finished tasks are made of it.
 */
export class LinkedList<T> {
  #first: Link<T> | null = null;
  #last: Link<T> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): Link<T> | null {
    return this.#first;
  }

  get last(): Link<T> | null {
    return this.#last;
  }

  pushBack(value: T): Link<T> {
    const link: Link<T> = { value, list: this, previous: this.#last, next: null };
    if (this.#last === null) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    this.#size++;
    return link;
  }

  pushFront(value: T): Link<T> {
    const link: Link<T> = { value, list: this, previous: null, next: this.#first };
    if (this.#first === null) this.#last = link;
    else this.#first.previous = link;
    this.#first = link;
    this.#size++;
    return link;
  }

  /** Takes a link out. One that is no longer in this list is left alone: false. */
  remove(link: Link<T>): boolean {
    if (link.list !== this) return false;
    if (link.previous === null) this.#first = link.next;
    else link.previous.next = link.next;
    if (link.next === null) this.#last = link.previous;
    else link.next.previous = link.previous;
    link.list = null;
    link.previous = null;
    link.next = null;
    this.#size--;
    return true;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let link = this.#first; link !== null; link = link.next) yield link.value;
  }
}

/** The place of one value in one list. Only the list writes to it. */
export interface Link<T> {
  readonly value: T;
  list: LinkedList<T> | null;
  previous: Link<T> | null;
  next: Link<T> | null;
}
