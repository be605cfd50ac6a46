import type { Clock } from '#base/clock.ts';
import type { Desk, DeskOptions, DeskSize } from '#cluster/desk.ts';
import type { Command } from '#shell/command.ts';
import { Terminals } from './terminals.ts';
import { Workspace } from './workspace.ts';

export interface OwnDeskOptions extends DeskOptions {
  /** The cluster's clock, which `date` shows. */
  clock: Clock;
  commands: readonly Command[];
}

/** A desk inside this process: our own shell, our own tools, files in memory. */
export class OwnDesk implements Desk {
  readonly #workspace: Workspace;
  readonly #terminals: Terminals;

  constructor(o: OwnDeskOptions) {
    this.#workspace = new Workspace({
      files: o.files,
      onFile: o.onFile,
      onConflict: (path, keptAs) =>
        this.notice(`${path} had been changed by a program meanwhile; what it wrote was kept as ${keptAs}.`),
    });
    this.#terminals = new Terminals({
      workspace: this.#workspace,
      wall: o.wall,
      clock: o.clock,
      history: o.history,
      commands: o.commands,
      onOpened: o.onOpened,
      onOutput: o.onOutput,
      onClosed: o.onClosed,
      onHistory: o.onHistory,
    });
  }

  open(terminal: string, size: DeskSize): void {
    this.#terminals.open(terminal, size);
  }
  input(terminal: string, data: string): void {
    this.#terminals.input(terminal, data);
  }
  resize(terminal: string, size: DeskSize): void {
    this.#terminals.resize(terminal, size);
  }
  close(terminal: string): void {
    this.#terminals.close(terminal);
  }
  notice(text: string): void {
    this.#terminals.notice(text);
  }
  runScript(script: string): Promise<{ code: number; output: string }> {
    return this.#terminals.runScript(script);
  }
  write(path: string, content: string, baseVersion?: number): void {
    this.#workspace.write(path, content, baseVersion);
  }
  delete(path: string): void {
    this.#workspace.delete(path);
  }
  rename(path: string, to: string): void {
    this.#workspace.rename(path, to);
  }
  flush(): void {
    this.#workspace.flush();
  }
  stop(): void {
    this.#terminals.stop();
  }
}
