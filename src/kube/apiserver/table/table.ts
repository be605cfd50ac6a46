import type { Clock } from '#base/clock.ts';
import columnsData from '#kube/api/data/tables.json' with { type: 'json' };
import type { ApiRequest } from '#kube/api/http.ts';
import type { KubeList, KubeObject } from '#kube/api/types.ts';
import { apiVersionOf, type ResourceKind } from '../kinds.ts';
import { ageSince } from './age.ts';
import { batchCells } from './batch.ts';
import type { Cells } from './cells.ts';
import { coreCells } from './core.ts';
import { customCell } from './custom.ts';
import { otherCells } from './other.ts';
import { storedCells } from './stored.ts';
import { workloadCells } from './workloads.ts';

interface Column {
  name: string;
  type: string;
  format?: string;
  description?: string;
  priority: number;
}

const COLUMNS = columnsData as unknown as Record<string, Column[]>;
const ROWS: Record<string, Cells> = { ...coreCells, ...workloadCells, ...batchCells, ...otherCells, ...storedCells };

/** An object, or a list, as `meta.k8s.io/v1` Table with the columns that upstream prints. `head` adds their definitions. */
export function asTable(
  kind: ResourceKind,
  value: KubeObject | KubeList,
  request: ApiRequest,
  clock: Clock,
  head: boolean,
): unknown {
  const items = (value as KubeList).items ?? [value as KubeObject];
  const include = request.query.get('includeObject') ?? 'Metadata';
  const now = clock.now();
  const { columns, cells } = (value as KubeObject).kind === 'Scale' ? SCALE : shapeOf(kind);
  const { resourceVersion } = value.metadata;
  const listMeta = (value as KubeList).items ? value.metadata : { ...(resourceVersion ? { resourceVersion } : {}) };
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: listMeta,
    columnDefinitions: head ? columns.map((column) => ({ description: '', format: '', ...column })) : null,
    rows: items.map((object) => ({
      cells: cells(object, now),
      ...conditionsOf(kind, object),
      object:
        include === 'None'
          ? null
          : include === 'Object'
            ? object
            : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    })),
  };
}

/** A pod that has run to its end is marked, so that printers may leave it out. */
function conditionsOf(kind: ResourceKind, object: KubeObject): { conditions?: unknown[] } {
  if (kind.storage !== '/pods' || !['Succeeded', 'Failed'].includes(object.status?.phase)) return {};
  return {
    conditions: [
      {
        type: 'Completed',
        status: 'True',
        reason: object.status.phase,
        message: `The pod has ${object.status.phase === 'Failed' ? 'failed' : 'completed successfully'}.`,
      },
    ],
  };
}

/** What a Scale prints, of whichever kind it is. */
const SCALE: { columns: Column[]; cells: Cells } = {
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Desired', type: 'integer', priority: 0 },
    { name: 'Available', type: 'integer', priority: 0 },
    { name: 'Age', type: 'string', priority: 0 },
  ],
  cells: ({ metadata, spec, status }, now) => [
    metadata.name,
    spec.replicas,
    status?.replicas ?? 0,
    ageSince(metadata.creationTimestamp, now),
  ],
};

function shapeOf(kind: ResourceKind): { columns: Column[]; cells: Cells } {
  if (kind.custom) return customShape(kind);
  const columns = COLUMNS[`${apiVersionOf(kind.group, kind.version)}/${kind.resource}`];
  const cells = ROWS[kind.storage];
  if (columns && cells) return { columns, cells };
  return PLAIN;
}

const PLAIN: { columns: Column[]; cells: Cells } = {
  columns: [
    { name: 'Name', type: 'string', format: 'name', priority: 0 },
    { name: 'Created At', type: 'date', priority: 0 },
  ],
  cells: ({ metadata }) => [metadata.name, metadata.creationTimestamp ?? '<unknown>'],
};

function customShape(kind: ResourceKind): { columns: Column[]; cells: Cells } {
  const extra = kind.custom!.version.additionalPrinterColumns;
  const own = extra ?? [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }];
  return {
    columns: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      ...own.map((column) => ({
        name: column.name,
        type: column.type,
        format: column.format ?? '',
        description: column.description ?? '',
        priority: column.priority ?? 0,
      })),
    ],
    cells: (object, now) => [object.metadata.name, ...own.map((column) => customCell(object, column, now))],
  };
}
