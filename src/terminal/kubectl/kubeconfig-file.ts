import type { IFileSystem } from 'just-bash';
import { type Kubeconfig, parseKubeconfig, stringifyKubeconfig } from '#kube/client/kubeconfig.ts';

/** The kubeconfig that a command line means, read on first use and written back whole. */
export class KubeconfigFile {
  readonly path: string;
  readonly #fs: IFileSystem;
  #config: Promise<Kubeconfig> | undefined;

  constructor(fs: IFileSystem, path: string) {
    this.#fs = fs;
    this.path = path;
  }

  /** An empty kubeconfig when there is no file. */
  read(): Promise<Kubeconfig> {
    this.#config ??= this.#read();
    return this.#config;
  }

  async #read(): Promise<Kubeconfig> {
    if (!(await this.#fs.exists(this.path))) return parseKubeconfig('');
    return parseKubeconfig(await this.#fs.readFile(this.path));
  }

  async write(config: Kubeconfig): Promise<void> {
    const slash = this.path.lastIndexOf('/');
    if (slash > 0) await this.#fs.mkdir(this.path.slice(0, slash), { recursive: true });
    await this.#fs.writeFile(this.path, stringifyKubeconfig(config));
    this.#config = Promise.resolve(config);
  }

  /** The namespace of a context (the current one unless named); undefined when none is set. */
  async namespace(context?: string): Promise<string | undefined> {
    const config = await this.read();
    const name = context || config['current-context'];
    return config.contexts.find((each) => each.name === name)?.context.namespace || undefined;
  }
}
