import type { KubeObject } from '#kube/api/types.ts';

export const NAMESPACE = 'linkerd-viz';
export const EXTENSION = 'linkerd.io/extension';
export const TAP_ENABLED = 'viz.linkerd.io/tap-enabled';
export const TAP_DISABLED = 'viz.linkerd.io/disable-tap';

/** As Go's ParseBool reads it. */
const isTrue = (text: string | undefined): boolean => /^(1|t|T|TRUE|true|True)$/.test(text ?? '');

type Annotated = Pick<KubeObject, 'metadata'>;
export const isTapEnabled = ({ metadata }: Annotated): boolean => isTrue(metadata?.annotations?.[TAP_ENABLED]);
export const isTapDisabled = ({ metadata }: Annotated): boolean => isTrue(metadata?.annotations?.[TAP_DISABLED]);
