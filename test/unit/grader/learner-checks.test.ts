import { describe, expect, it } from 'vitest';
import { grade } from '#grader/answers.ts';
import { answer as answerSchema } from '#schema/lab.ts';
import { FakeWorld } from './world.ts';

const question = (fields: object) => answerSchema.parse({ id: 'who', question: 'Who signed it?', ...fields });

describe('an answer', () => {
  it.each([
    [{ right: 'issuer 2' }, ' “Issuer  2”. ', true],
    [{ right: 'issuer 2' }, 'issuer 1', false],
    [{ right: ['web', 'shop/web'] }, 'shop/web', true],
    [{ right: 24 }, '24', true],
    [{ right: 24 }, '25', false],
    [{ right: 24, tolerance: 1 }, '25', true],
    [{ right: 24 }, '', false],
    [{ right: 0 }, '   ', false],
    [{ pattern: '(deployment/)?web' }, 'Deployment/web', true],
    [{ pattern: 'web' }, 'webhook', false],
    [{}, 'anything', false],
  ])('%j: %j is %s', (fields, value, correct) => {
    expect(grade(question(fields), value).correct).toBe(correct);
  });
  it('that is wrong as expected is told why, and what is right is not told', () => {
    const asked = question({ right: 'issuer 2', wrong: [{ is: 'issuer 1', say: 'That one is gone.' }] });
    expect(grade(asked, 'Issuer 1')).toEqual({ correct: false, say: 'That one is gone.' });
    expect(JSON.stringify(grade(asked, 'nobody'))).not.toContain('issuer 2');
  });
  it('makes its task green, and an other one red again', async () => {
    const world = new FakeWorld([question({ right: 'issuer 2' })]);
    const look = (accept = 'right') => world.look('answer', { answer: 'who', accept });
    expect((await look()).state).toBe('waiting');
    world.answers.submit('who', 'issuer 2');
    expect((await look()).state).toBe('passed');
    world.answers.submit('who', 'issuer 1');
    expect(await look()).toMatchObject({ state: 'failed', saw: ['wrong'] });
    expect(await look('any')).toMatchObject({ state: 'passed', saw: ['noted'] });
  });
  it('to a question that the lab does not ask is refused', () => {
    const world = new FakeWorld([question({})]);
    expect(() => world.answers.submit('what', 'x')).toThrow(/no such question/);
  });
});

describe('file-contains', () => {
  const wanted = {
    file: 'policy.yaml',
    contains: ['kind: Server'],
    lacks: ['all-unauthenticated'],
    matches: '^  port: 8080$',
  };
  it.each([
    [undefined, 'There is no file policy.yaml.'],
    ['kind: Pod', 'policy.yaml lacks “kind: Server”.'],
    ['kind: Server\n# all-unauthenticated', 'policy.yaml holds “all-unauthenticated”.'],
    ['kind: Server\n    port: 8080', 'policy.yaml is not as asked for.'],
    ['kind: Server\n  port: 8080\n', 'policy.yaml is as asked for.'],
  ])('%j: %s', async (text, said) => {
    const world = new FakeWorld();
    if (text !== undefined) world.files['policy.yaml'] = text;
    expect((await world.look('file-contains', wanted)).said).toBe(said);
  });
  it('never shows a key', async () => {
    const world = new FakeWorld();
    world.files['ca.key'] = '-----BEGIN EC PRIVATE KEY-----\nsecret\n';
    expect(JSON.stringify(await world.look('file-contains', { file: 'ca.key' }))).not.toContain('secret');
  });
  it('refuses a path out of the home', () => {
    const world = new FakeWorld();
    expect(() => world.look('file-contains', { file: '../etc/passwd' })).toThrow(/below the learner/);
  });
});

describe('command-output', () => {
  it.each([
    [{ code: 0, output: 'linkerd is well\n' }, 'passed'],
    [{ code: 0, output: 'linkerd is ill\n' }, 'failed'],
    [{ code: 1, output: 'linkerd is well\n' }, 'failed'],
  ])('%j: %s', async (result, state) => {
    const world = new FakeWorld();
    world.script = (script) => (script === 'linkerd version' ? result : { code: 127, output: '' });
    expect(await world.look('command-output', { command: 'linkerd version', contains: ['well'] })).toMatchObject({
      state,
      evidence: [{ type: 'text', code: result.code }],
    });
  });
});
