import { type Engine, isStatus } from './engine.ts';
import { LABEL } from './labels.ts';
import type { Profile } from './profile.ts';

/** Whether the Engine can start a privileged container is found by starting one. */
const profiles = new WeakMap<Engine, Promise<Profile>>();
export function profileOf(engine: Engine, image: string): Promise<Profile> {
  let found = profiles.get(engine);
  if (!found) {
    found = tryPrivileged(engine, image);
    profiles.set(engine, found);
    found.catch(() => profiles.delete(engine));
  }
  return found;
}

async function tryPrivileged(engine: Engine, image: string): Promise<Profile> {
  const id = await engine.createContainer({
    Image: image,
    Entrypoint: ['/bin/true'],
    Labels: { [LABEL.owner]: 'trial', [LABEL.expires]: '0' },
    HostConfig: { Privileged: true, NetworkMode: 'none' },
  } as never);
  try {
    await engine.start(id);
    return 'privileged';
  } catch (error) {
    if (isStatus(error, 400, 500)) return 'restricted';
    throw error;
  } finally {
    await engine.remove(id);
  }
}
