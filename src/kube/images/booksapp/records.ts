/** One row, as the services send it. */
export type Row = Record<string, unknown> & { id: number };

/** A table in memory, for as long as the container runs. */
export class Table {
  readonly #rows = new Map<number, Row>();
  #next = 1;

  add(fields: Record<string, unknown>): Row {
    const row: Row = { ...fields, id: this.#next++ };
    this.#rows.set(row.id, row);
    return row;
  }

  get(id: string | number): Row | undefined {
    return this.#rows.get(Number(id));
  }

  update(id: number, fields: Record<string, unknown>): Row {
    const row: Row = { ...this.#rows.get(id), ...fields, id };
    this.#rows.set(id, row);
    return row;
  }

  delete(id: number): void {
    this.#rows.delete(id);
  }

  /** Rows that have the given values, in an order such as `lower(title)`. */
  where(filter: Record<string, string>, order?: string): Row[] {
    const rows = [...this.#rows.values()].filter((row) =>
      Object.entries(filter).every(([name, value]) => String(row[name]) === value),
    );
    const [, column] = /(\w+)\)?$/.exec(order ?? '') ?? [];
    if (!column) return rows;
    const key = (row: Row) => String(row[column] ?? '').toLowerCase();
    return rows.sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
  }
}

/** Authors and their books at the start. */
export const SEEDS: { first: string; last: string; books: [title: string, pages: number][] }[] = [
  { first: 'Alice', last: 'Munro', books: [['Dear Life', 319]] },
  { first: 'David', last: 'Mitchell', books: [['Cloud Atlas', 529]] },
  {
    first: 'Haruki',
    last: 'Murakami',
    books: [
      ['1Q84', 1184],
      ['Kafka on the Shore', 436],
    ],
  },
  {
    first: 'James',
    last: 'Baldwin',
    books: [
      ["Giovanni's Room", 176],
      ['Fire Next Time, The', 141],
    ],
  },
  { first: 'Margaret', last: 'Atwood', books: [] },
  {
    first: 'Michael',
    last: 'Chabon',
    books: [
      ['Telegraph Avenue', 468],
      ['Mysteries of Pittsburgh, The', 306],
    ],
  },
  {
    first: 'N.K.',
    last: 'Jemisin',
    books: [
      ['Fifth Season, The', 512],
      ['Obelisk Gate, The', 448],
      ['Stone Sky, The', 464],
    ],
  },
  { first: 'Neil', last: 'Gaiman', books: [['American Gods', 588]] },
  { first: 'P.D.', last: 'James', books: [['Children of Men', 241]] },
  {
    first: 'Ursula',
    last: 'K. Le Guin',
    books: [
      ['Left Hand of Darkness, The', 304],
      ['Dispossessed, The', 401],
    ],
  },
];
