import { el, replace } from '../element.ts';
import type { LabStore } from '../lab-store.ts';

/** Views of which each cluster has its own; the others are about tasks and the lab. */
const OF_A_CLUSTER: ReadonlySet<string> = new Set(['certificates', 'events']);

/** Says which cluster a view is of, and lets another be chosen. Not there in a lab with one cluster. */
export class ClusterChoice {
  readonly element: HTMLElement;
  readonly #store: LabStore;
  readonly #select = el('select', { 'aria-label': 'Cluster whose view this is' });
  #names = '';

  constructor(store: LabStore, onChosen: () => void) {
    this.#store = store;
    this.#select.addEventListener('change', () => {
      store.chooseCluster(this.#select.value);
      onChosen();
    });
    this.element = el('label', { class: 'cluster-choice', hidden: true }, 'Cluster ', this.#select);
  }

  /** `shown`: what the pane shows now. */
  draw(shown: string): void {
    const { clusters, cluster } = this.#store;
    this.element.hidden = clusters.length < 2 || !OF_A_CLUSTER.has(shown);
    const names = clusters.join(' ');
    if (names !== this.#names) {
      this.#names = names;
      replace(
        this.#select,
        clusters.map((name) => el('option', { value: name }, name)),
      );
    }
    if (cluster !== undefined) this.#select.value = cluster;
  }
}
