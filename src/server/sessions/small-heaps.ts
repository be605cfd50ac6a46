import { setFlagsFromString } from 'node:v8';

/**
 * V8 keeps room for speed that a session does not need: its work is short and mostly waits. What each of them saves is in
 * `decisions/005`. They hold for heaps and code made after they were set, so they are set before the first worker.
 */
const FLAGS = [
  // Young generations start small and stay small.
  '--optimize-for-size',
  '--semi-space-growth-factor=1',
  // Two compilers in the middle, each with a copy of what is warm. What is hot is still optimised.
  '--no-sparkplug',
  '--no-maglev',
  // Regular expressions are compiled when they are used a lot, not the second time.
  '--regexp-tier-up-ticks=100',
  // What runs a few times needs no notes on how it ran.
  '--invocation-count-for-feedback-allocation=24',
  // Code that was not run between two collections is dropped; most of it ran once, to set up the lab.
  '--bytecode-old-age=1',
  // A worker collects once its lab stands (`tidyUp`).
  '--expose-gc',
];

export function keepHeapsSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag);
}
