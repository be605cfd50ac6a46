import { goPrint } from '#kube/api/go-json.ts';
import { CliError } from './errors.ts';

import { JsonPath, relaxed } from './jsonpath.ts';
import { alignRows } from './table.ts';

interface Column {
  header: string;
  path: JsonPath;
}

/** `NAME:.metadata.name,IMAGE:.spec.image`. */
export function parseColumns(spec: string): Column[] {
  if (spec === '') throw new CliError('custom-columns format specified but no custom columns given');
  return spec.split(',').map((part) => {
    const colon = part.indexOf(':');
    if (colon < 0) throw new CliError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`);
    return column(part.slice(0, colon), part.slice(colon + 1));
  });
}

/** Two lines: headers and paths, in columns of white space. */
export function parseColumnFile(text: string): Column[] {
  const [first = '', second = ''] = text.split('\n');
  const headers = first.split(/\s+/).filter(Boolean);
  const paths = second.split(/\s+/).filter(Boolean);
  if (headers.length !== paths.length) {
    throw new CliError(`number of headers (${headers.length}) and field specifications (${paths.length}) don't match`);
  }
  return headers.map((header, i) => column(header, paths[i]!));
}

const column = (header: string, path: string): Column => ({ header, path: new JsonPath(relaxed(path)) });

export function printColumns(columns: Column[], objects: unknown[], noHeaders: boolean): string {
  const rows = objects.map((object) =>
    columns.map(({ path }) => {
      const values = path.find(object)[0] ?? [];
      return values.length === 0 ? '<none>' : values.map(goPrint).join(',');
    }),
  );
  return alignRows(noHeaders ? undefined : columns.map(({ header }) => header), rows);
}
