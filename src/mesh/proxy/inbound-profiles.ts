import type { Timer } from '#base/clock.ts';
import type { Exchange } from './exchange.ts';
import { type CountedRoute, countedRoute } from './profile-metrics.ts';
import type { ProxyRuntime } from './runtime.ts';
import { profileRoute, type ServiceProfile } from './service-profile.ts';

/** By this a client's proxy says which Service it took the request to be for; the application sees it too. */
export const CANONICAL_DST = 'l5d-dst-canonical';
/** How long a first request waits for a profile before it goes without (linkerd/app/src/env.rs). */
const SKIP_MS = 500;
/** Bounds the names that are remembered. */
const MOST_NAMES = 128;

interface Known {
  profile: ServiceProfile | undefined;
  /** Absent once destination has spoken, or was waited for long enough. */
  pending: Promise<void> | undefined;
  usedAt: number;
  idle: Timer;
  stop(): void;
}

/**
 * The ServiceProfiles of the Services that requests come for, by the name that the client's proxy gives, or else the
 * request's own. Names outside of the cluster's suffixes are not asked about (linkerd/app/inbound/src/http/router.rs).
 */
export class InboundProfiles {
  readonly #runtime: ProxyRuntime;
  readonly #known = new Map<string, Known>();
  /** Names that were asked about before, by what was said of them; undefined where nothing is known of such a name. */
  readonly #names = new Map<string, string | undefined>();

  constructor(runtime: ProxyRuntime) {
    this.#runtime = runtime;
  }

  /** The route that a request counts for, of the Service `canonical` or of the one that the request names. */
  find(
    exchange: Exchange,
    canonical: string | undefined,
  ): CountedRoute | undefined | Promise<CountedRoute | undefined> {
    const authority = this.#nameIn(canonical, exchange.authority);
    if (authority === undefined) return undefined;
    const known = this.#look(authority);
    if (!known) return undefined;
    const route = () => {
      const { profile } = known;
      const found = profile && profileRoute(profile, exchange);
      return found && countedRoute('inbound', authority, profile, found);
    };
    return known.pending ? known.pending.then(route) : route();
  }

  #nameIn(canonical: string | undefined, own: string): string | undefined {
    const key = canonical === undefined ? own : `${canonical} ${own}`;
    const known = this.#names.get(key);
    if (known !== undefined || this.#names.has(key)) return known;
    const name = nameOf(canonical) ?? nameOf(own);
    const asked = name !== undefined && this.#isAsked(name) ? name : undefined;
    if (this.#names.size >= MOST_NAMES) this.#names.clear();
    this.#names.set(key, asked);
    return asked;
  }

  #isAsked(authority: string): boolean {
    const host = authority.slice(0, authority.lastIndexOf(':')).replace(/\.$/, '');
    return this.#runtime.settings.profileSuffixes.some((each) => {
      const suffix = each.replace(/\.$/, '');
      return suffix === '' || host === suffix || host.endsWith(`.${suffix}`);
    });
  }

  #look(authority: string): Known | undefined {
    const { discovery, clock } = this.#runtime;
    const old = this.#known.get(authority);
    if (old) {
      old.usedAt = clock.now();
      return old;
    }
    if (!discovery) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const known: Known = {
      profile: undefined,
      pending: promise,
      usedAt: clock.now(),
      idle: this.#whenIdle(authority),
      stop: () => {},
    };
    this.#known.set(authority, known);
    const heard = () => {
      skip.cancel();
      known.pending = undefined;
      resolve();
    };
    const skip = clock.setTimeout(heard, SKIP_MS);
    known.stop = discovery.watchName(authority, ({ profile }) => {
      known.profile = profile;
      heard();
    });
    return known;
  }

  /** Forgets a name that nobody used for long; looks again when it was used in between. */
  #whenIdle(authority: string, afterMs = this.#runtime.settings.inboundIdleMs): Timer {
    const { clock, settings } = this.#runtime;
    const look = () => {
      const known = this.#known.get(authority);
      if (!known) return;
      const left = known.usedAt + settings.inboundIdleMs - clock.now();
      if (left > 0) known.idle = this.#whenIdle(authority, left);
      else this.#drop(authority);
    };
    // A clock that is moved need not stop for it: renewals ask for the same name all year.
    return clock.setTimeout(look, afterMs, { lazy: true });
  }

  #drop(authority: string): void {
    const known = this.#known.get(authority);
    this.#known.delete(authority);
    known?.idle.cancel();
    known?.stop();
  }

  close(): void {
    for (const authority of [...this.#known.keys()]) this.#drop(authority);
  }
}

/** `host:port`, 80 where there is none; undefined for addresses and for what is no name. */
function nameOf(text: string | undefined): string | undefined {
  const [, host = '', port = '80'] = /^([A-Za-z0-9_.-]+)(?::(\d+))?$/.exec(text ?? '') ?? [];
  return host === '' || /^[\d.]+$/.test(host) ? undefined : `${host.toLowerCase()}:${port}`;
}
