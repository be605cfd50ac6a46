import { AcademyError } from '#base/errors.ts';
import type { ClusterDriver, DriverName } from '#cluster/driver.ts';
import type { KindSettings } from '#cluster/kind/settings.ts';

/** The one place where a driver's name becomes its code, which is loaded only when it is asked for. */
export async function driverNamed(name: DriverName, kind?: KindSettings): Promise<ClusterDriver> {
  switch (name) {
    case 'embedded':
      return (await import('#cluster/embedded/driver.ts')).createEmbeddedDriver();
    case 'kind':
      if (!kind) throw new AcademyError('driver/unavailable', 'The kind driver was not set up.');
      return (await import('#cluster/kind/driver.ts')).createKindDriver(kind);
  }
}
