import { describe, expect, it } from 'vitest';
import { MovableClock } from '#base/clock.ts';
import type { ClientMessage } from '#schema/protocol.ts';
import { Connection, type Link, type Socket } from '#workbench/connection.ts';

class FakeSocket {
  sent: ClientMessage[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  send(text: string): void {
    this.sent.push(JSON.parse(text) as ClientMessage);
  }
  close(): void {
    this.closed = true;
  }
}

function setUp(lives: () => Promise<boolean> = async () => true) {
  const clock = new MovableClock({ startAtMs: 0, wall: () => 0 });
  const sockets: FakeSocket[] = [];
  const links: Link['state'][] = [];
  const connection = new Connection({
    clock,
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as Socket;
    },
    sessionLives: lives,
    since: () => ({ 'shell-1': 7 }),
  });
  connection.events.on('link', (link) => links.push(link.state));
  connection.connect();
  return { clock, sockets, links, connection };
}
const types = (socket: FakeSocket) => socket.sent.map(({ type }) => type);
/** What a server answers: the session's messages, then the pong of the first ping. */
function accept(socket: FakeSocket, received = 0): void {
  socket.onopen!();
  socket.onmessage!({ data: JSON.stringify({ type: 'pong', at: 0, received }) });
}
const typed = (socket: FakeSocket) => socket.sent.flatMap((m) => (m.type === 'terminal.input' ? m.data : [])).join('');
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('Connection', () => {
  it('says hello with what this page has, then what was kept', () => {
    const { sockets, connection } = setUp();
    connection.send({ type: 'terminal.input', terminal: 'shell-1', data: 'ls\r' });
    sockets[0]!.onopen!();
    expect(sockets[0]!.sent[0]).toMatchObject({ type: 'hello', since: { 'shell-1': 7 } });
    expect(types(sockets[0]!)).toEqual(['hello', 'ping']);
    sockets[0]!.onmessage!({ data: JSON.stringify({ type: 'pong', at: 0, received: 0 }) });
    expect(typed(sockets[0]!)).toBe('ls\r');
  });

  it('types exactly once what was under way when the line broke', async () => {
    const { clock, sockets, connection } = setUp();
    accept(sockets[0]!);
    for (const data of ['a', 'b', 'c']) connection.send({ type: 'terminal.input', terminal: 'shell-1', data });
    expect(typed(sockets[0]!)).toBe('abc');
    sockets[0]!.onclose!();
    connection.send({ type: 'terminal.input', terminal: 'shell-1', data: 'd' });
    await clock.advance(250);
    // The server had the first two.
    accept(sockets[1]!, 2);
    expect(typed(sockets[1]!)).toBe('cd');
    sockets[1]!.onmessage!({ data: JSON.stringify({ type: 'pong', at: 0, received: 4 }) });
    sockets[1]!.onclose!();
    await clock.advance(500);
    accept(sockets[2]!, 4);
    expect(typed(sockets[2]!)).toBe('');
    const pages = sockets.map((socket) => socket.sent[0]?.type === 'hello' && socket.sent[0].page);
    expect(new Set(pages).size).toBe(1);
  });

  it('keeps the newest of what replaces itself', () => {
    const { sockets, connection } = setUp();
    for (const columns of [80, 90, 100])
      connection.send({ type: 'terminal.resize', terminal: 'shell-1', columns, rows: 24 });
    connection.send({ type: 'terminal.resize', terminal: 'shell-2', columns: 70, rows: 24 });
    accept(sockets[0]!);
    const sizes = sockets[0]!.sent.flatMap((message) => (message.type === 'terminal.resize' ? message.columns : []));
    expect(sizes).toEqual([100, 70]);
  });

  it('comes back after a break, waiting longer each time', async () => {
    const { clock, sockets, links, connection } = setUp();
    accept(sockets[0]!);
    sockets[0]!.onclose!();
    expect(connection.link).toEqual({ state: 'waiting', retryAt: 250 });
    await clock.advance(250);
    expect(sockets).toHaveLength(2);
    sockets[1]!.onclose!();
    await settle();
    expect(connection.link).toEqual({ state: 'waiting', retryAt: 750 });
    await clock.advance(500);
    accept(sockets[2]!);
    expect(links.at(-1)).toBe('open');
  });

  it('knows a session that is gone from a line that is broken', async () => {
    const { sockets, connection } = setUp(async () => false);
    sockets[0]!.onclose!();
    await settle();
    expect(connection.link).toEqual({ state: 'gone' });
  });

  it('keeps trying while the server does not answer at all', async () => {
    const { sockets, connection } = setUp(() => Promise.reject(new TypeError('no server')));
    sockets[0]!.onclose!();
    await settle();
    expect(connection.link.state).toBe('waiting');
  });

  it('takes a server that answers no ping for lost', async () => {
    const { clock, sockets, connection } = setUp();
    accept(sockets[0]!);
    await clock.advance(20_000);
    expect(types(sockets[0]!).filter((type) => type === 'ping')).toHaveLength(2);
    await clock.advance(15_000);
    expect(sockets[0]!.closed).toBe(true);
    expect(connection.link.state).toBe('waiting');
  });

  it('sends nothing more once it is closed', async () => {
    const { clock, sockets, connection } = setUp();
    accept(sockets[0]!);
    connection.close();
    connection.send({ type: 'session.extend' });
    await clock.advance(60_000);
    expect(sockets).toHaveLength(1);
    expect(types(sockets[0]!)).not.toContain('session.extend');
  });
});
