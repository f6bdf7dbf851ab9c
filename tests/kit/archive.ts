/** Writes custom archives as pg_dump 17 does: of versions and compressions that Debian's pg_dump cannot write. */

export interface ArchivedTable {
  name: string;
  /** `CREATE TABLE …;` */
  definition: string;
  columns: string[];
  /** Its rows as COPY text with the end mark, compressed as the archive is. */
  data: Buffer;
}

const ALGORITHMS = { none: 0, gzip: 1, lz4: 2, zstd: 3 } as const;
const CUSTOM = 1;
const DATA_AT = 2;
const NO_DATA = 3;

/** An integer: a sign byte and four bytes, lowest first. */
function int(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = value < 0 ? 1 : 0;
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
}

function string(text: string | null): Buffer {
  return text === null ? int(-1) : Buffer.concat([int(Buffer.byteLength(text)), Buffer.from(text)]);
}

/** Archive version 1.16. */
export function customArchive(
  tables: readonly ArchivedTable[],
  compression: keyof typeof ALGORITHMS,
): Buffer {
  const entry = (
    id: number,
    type: string,
    { name, definition, columns }: ArchivedTable,
    offset: number | null,
  ) => {
    const at = Buffer.alloc(8);
    if (offset !== null) at.writeUInt32LE(offset);
    const list = columns.map((column) => `"${column}"`).join(", ");
    return Buffer.concat([
      int(id),
      int(offset === null ? 0 : 1),
      string("0"),
      string("0"),
      string(name),
      string(type),
      int(offset === null ? 2 : 3),
      string(offset === null ? definition : ""),
      string(""),
      string(offset === null ? "" : `COPY "public"."${name}" (${list}) FROM stdin;\n`),
      string("public"),
      string(""),
      string("heap"),
      int(0),
      string("postgres"),
      string("false"),
      string(null),
      Buffer.from([offset === null ? NO_DATA : DATA_AT]),
      at,
    ]);
  };
  const head = Buffer.concat([
    Buffer.from("PGDMP"),
    Buffer.from([1, 16, 0, 4, 8, CUSTOM, ALGORITHMS[compression]]),
    ...[0, 0, 12, 1, 0, 126, 0].map(int),
    ...["app", "17.10", "17.10"].map(string),
    int(2 * tables.length),
  ]);
  const blocks = tables.map(({ data }, i) =>
    Buffer.concat([Buffer.from([1]), int(2 * i + 2), int(data.length), data, int(0)]),
  );
  const contents = (from: number) => {
    let offset = from;
    return Buffer.concat(
      tables.flatMap((table, i) => {
        const both = [entry(2 * i + 1, "TABLE", table, null), entry(2 * i + 2, "TABLE DATA", table, offset)];
        offset += (blocks[i] as Buffer).length;
        return both;
      }),
    );
  };
  return Buffer.concat([head, contents(head.length + contents(0).length), ...blocks]);
}
