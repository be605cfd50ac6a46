import { describe, expect, it } from 'vitest';
import type { ServerMessage, SessionView } from '#schema/protocol.ts';
import { LabStore } from '#workbench/lab-store.ts';
import { event } from '../../support/sample-views.ts';

const NOW = Date.UTC(2026, 10, 25, 14, 2, 11);
const session = (clusters?: string[]): SessionView => ({
  lab: 'two',
  title: 'Two',
  state: 'ready',
  driver: 'embedded',
  driverWhy: '',
  steps: [],
  tasks: [],
  points: { got: 0, of: 0 },
  createdAt: NOW,
  endsAt: NOW,
  clockAheadMs: 0,
  clockMovable: false,
  ...(clusters ? { clusters } : {}),
});
const events = (cluster?: string): ServerMessage => ({
  type: 'view.events',
  events: [event(NOW, 'shop', 'Pod/web', 'Pulled', 'It is here.')],
  ...(cluster ? { cluster } : {}),
});

describe('the views of a lab with two clusters', () => {
  it('are the main one’s, until another is chosen', () => {
    const store = new LabStore(session(['east', 'west']));
    const drawn: string[] = [];
    store.events.on('view', (name) => drawn.push(`${name} ${store.views.events ? 'there' : 'gone'}`));
    store.accept(events('west'));
    expect(store.views.events).toBeUndefined();
    store.accept(events('east'));
    expect(store.views.events).toHaveLength(1);
    store.chooseCluster('west');
    expect(store.cluster).toBe('west');
    expect(drawn).toEqual(['events there', 'certificates there', 'events gone']);
    store.accept(events('east'));
    expect(store.views.events).toBeUndefined();
    store.accept(events('west'));
    expect(store.views.events).toHaveLength(1);
  });

  it('have no name where there is one cluster', () => {
    const store = new LabStore(session());
    expect([store.clusters, store.cluster]).toEqual([[], undefined]);
    store.accept(events());
    expect(store.views.events).toHaveLength(1);
  });
});
