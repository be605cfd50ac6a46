import type { CommandNode, PipelineNode, ScriptNode, SimpleCommandNode, StatementNode, WordNode } from 'just-bash';

/** Names for the parts of the parser's tree that it does not export by name. */
export type { CommandNode, PipelineNode, ScriptNode, SimpleCommandNode, StatementNode, WordNode };

export type WordPart = WordNode['parts'][number];
export type Part<T extends WordPart['type']> = Extract<WordPart, { type: T }>;
export type Redirection = SimpleCommandNode['redirections'][number];
export type Assignment = SimpleCommandNode['assignments'][number];
export type HereDoc = Extract<Redirection['target'], { type: 'HereDoc' }>;
export type Compound<T extends CommandNode['type']> = Extract<CommandNode, { type: T }>;
export type Conditional = Compound<'ConditionalCommand'>['expression'];
export type ParameterOperation = NonNullable<Part<'ParameterExpansion'>['operation']>;
export type Arithmetic = Part<'ArithmeticExpansion'>['expression'];
