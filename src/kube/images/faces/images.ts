import { lazily } from '../process.ts';
import type { ContainerContext, Image, Process } from '../program.ts';

type Programs = typeof import('./programs.ts');

const SET: { name: string; summary: string; start(programs: Programs, context: ContainerContext): Process }[] = [
  { name: 'faces-gui', summary: 'the grid of faces, and /face/ passed on', start: (p, c) => p.startGui(c) },
  { name: 'faces-face', summary: 'one cell: a smiley by HTTP, a colour by gRPC', start: (p, c) => p.startFace(c) },
  { name: 'faces-smiley', summary: 'a smiley over HTTP (SMILEY)', start: (p, c) => p.startSmiley(c) },
  { name: 'faces-color', summary: 'a colour over gRPC (COLOR)', start: (p, c) => p.startColor(c) },
];

/** The Faces set; its faults are set by ERROR_FRACTION, LATCH_FRACTION, MAX_RATE and DELAY_BUCKETS. */
export const facesImages: Image[] = ['ghcr.io/buoyantio', 'dwflynn'].flatMap((registry) =>
  SET.map(
    ({ name, summary, start }): Image => ({
      repository: `${registry}/${name}`,
      summary: `Faces: ${summary}`,
      entrypoint: ['/workload'],
      cmd: [],
      user: 65532,
      workingDir: '/',
      hasShell: false,
      start: (context) =>
        context.argv[0] === '/workload' ? lazily(async () => start(await import('./programs.ts'), context)) : undefined,
    }),
  ),
);
