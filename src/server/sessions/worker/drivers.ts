import { AcademyError } from '#base/errors.ts';
import type { ClusterDriver, DriverName } from '#cluster/driver.ts';

/** The one place where a driver's name becomes its code, which is loaded only when it is asked for. */
export async function driverNamed(name: DriverName): Promise<ClusterDriver> {
  switch (name) {
    case 'embedded':
      return (await import('#cluster/embedded/driver.ts')).createEmbeddedDriver();
    case 'kind':
      throw new AcademyError('driver/unavailable', 'The kind driver is not part of this version.');
  }
}
