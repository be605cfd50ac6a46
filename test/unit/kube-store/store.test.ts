import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#kube/api/types.ts';
import { Store } from '#kube/store/store.ts';

const KIND = 'configmaps';
const MIB = 1024 * 1024;
const object = (name: string, bytes = 0): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { text: 'x'.repeat(bytes) },
});
const full = 'etcdserver: mvcc: database space exceeded';

describe('a store', () => {
  it('is full at its quota, as etcd is, and takes writes again when something was removed', () => {
    const store = new Store();
    let kept = 0;
    expect(() => {
      for (; kept < 100; kept++) store.put(KIND, object(`big-${kept}`, MIB));
    }).toThrow(full);
    expect(kept).toBeGreaterThan(20);
    expect(kept).toBeLessThan(30);
    store.put(KIND, object('small', 1000));
    store.remove(KIND, 'default', 'big-0');
    store.put(KIND, object('big-again', MIB / 2));
    expect(store.count(KIND)).toBe(kept + 1);
  });

  it('lets an object shrink when it is full', () => {
    const store = new Store();
    expect(() => {
      for (let i = 0; i < 100; i++) store.put(KIND, object(`big-${i}`, MIB));
    }).toThrow(full);
    store.put(KIND, object('big-1', 10));
    expect(store.get(KIND, 'default', 'big-1')?.data.text).toHaveLength(10);
  });

  it('counts what it loaded', () => {
    const first = new Store();
    for (let i = 0; i < 20; i++) first.put(KIND, object(`big-${i}`, MIB));
    const second = new Store();
    second.import(first.export());
    expect(() => {
      for (let i = 20; i < 40; i++) second.put(KIND, object(`big-${i}`, MIB));
    }).toThrow(full);
  });

  it('forgets old changes by their bytes: a watch from before is told that it is too late', () => {
    const store = new Store();
    const from = store.revision;
    store.put(KIND, object('one'));
    expect(store.since(KIND, from)).toHaveLength(1);
    for (let i = 0; i < 50; i++) store.put(KIND, object('one', MIB));
    expect(store.since(KIND, from)).toBeUndefined();
    const recent = store.revision - 2;
    expect(store.since(KIND, recent)?.map(({ revision }) => revision)).toEqual([recent + 1, recent + 2]);
  });
});
